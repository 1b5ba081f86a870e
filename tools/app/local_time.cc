#include "app/local_time.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "base/error.h"
#include "base/text.h"

namespace app {

namespace {

struct Fields {
  int year = 0, month = 0, day = 0, hour = 23, minute = 59, second = 59;
};

// The numbers of `text` in the form of `pattern`, in which 'd' stands for a digit and '?' for a space or T.
// Empty unless all of it fits.
std::string digits_of(const std::string& text, const std::string& pattern) {
  if (text.size() != pattern.size()) return {};
  std::string digits;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_digit = text[at] >= '0' && text[at] <= '9';
    if (pattern[at] == 'd') {
      if (!is_digit) return {};
      digits += text[at];
    } else if (pattern[at] == '?') {
      if (text[at] != ' ' && text[at] != 'T') return {};
    } else if (text[at] != pattern[at]) {
      return {};
    }
  }
  return digits;
}

Fields fields_of(const std::string& digits) {
  const auto number = [&](std::size_t at, std::size_t length) {
    return std::stoi(digits.substr(at, length));
  };
  Fields fields;
  fields.year = number(0, 4);
  fields.month = number(4, 2);
  fields.day = number(6, 2);
  if (digits.size() > 8) {
    fields.hour = number(8, 2);
    fields.minute = number(10, 2);
  }
  if (digits.size() > 12) fields.second = number(12, 2);
  return fields;
}

std::tm tm_of(const Fields& fields) {
  std::tm tm = {};
  tm.tm_year = fields.year - 1900;
  tm.tm_mon = fields.month - 1;
  tm.tm_mday = fields.day;
  tm.tm_hour = fields.hour;
  tm.tm_min = fields.minute;
  tm.tm_sec = fields.second;
  tm.tm_isdst = -1;
  return tm;
}

[[noreturn]] void refuse(const std::string& text) {
  throw base::Error(base::ErrorKind::usage, "", "", base::quoted(text) + " is not a moment")
      .with_hint(
          "write 2026-11-23, '2026-11-23 03:15' (local time), 2026-11-23T03:15:00Z (UTC), or a stamp as "
          "'schooltool-db list' shows it");
}

}  // namespace

base::UtcTime parse_moment(const std::string& text) {
  bool utc = false;
  std::string digits = digits_of(text, "dddd-dd-dd-dd-dd-dd");
  if (!digits.empty()) {
    utc = true;
  } else {
    utc = !text.empty() && text.back() == 'Z';
    const std::string plain = utc ? text.substr(0, text.size() - 1) : text;
    for (const char* pattern : {"dddd-dd-dd", "dddd-dd-dd?dd:dd", "dddd-dd-dd?dd:dd:dd"}) {
      if (digits.empty()) digits = digits_of(plain, pattern);
    }
  }
  if (digits.empty()) refuse(text);
  const Fields fields = fields_of(digits);
  std::tm tm = tm_of(fields);
  const std::time_t seconds = utc ? timegm(&tm) : mktime(&tm);
  // A 31st of February would have become a day in March.
  const bool as_given = tm.tm_year == fields.year - 1900 && tm.tm_mon == fields.month - 1 &&
                        tm.tm_mday == fields.day && fields.hour < 24 && fields.minute < 60 &&
                        fields.second < 60;
  if (!as_given) refuse(text);
  return {seconds, 0};
}

std::string local_text(base::UtcTime time) {
  const std::time_t seconds = time.seconds;
  std::tm tm = {};
  std::array<char, 64> text = {};
  if (localtime_r(&seconds, &tm) == nullptr) return base::to_iso(time);
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %Z", &tm);
  return std::string(text.data(), length);
}

}  // namespace app
