#include "app/local_time.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <vector>

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
  return tm;
}

[[noreturn]] void refuse(const std::string& text) {
  throw base::Error(base::ErrorKind::usage, "", "", base::quoted(text) + " is not a moment")
      .with_hint(
          "write 2026-11-23, '2026-11-23 03:15' (local time), 2026-11-23T03:15:00Z (UTC), or a stamp as "
          "'schooltool-db list' shows it");
}

bool same(const Fields& fields, const std::tm& tm) {
  return tm.tm_year == fields.year - 1900 && tm.tm_mon == fields.month - 1 && tm.tm_mday == fields.day &&
         tm.tm_hour == fields.hour && tm.tm_min == fields.minute && tm.tm_sec == fields.second;
}

// The moments, rising, at which clocks in UTC or here show these fields: one; none for a 31st of February, or
// where clocks are put forward; two where they are put back.
std::vector<std::time_t> moments_of(const Fields& fields, bool utc) {
  std::vector<std::time_t> moments;
  for (const int daylight_saving : {-1, 0, 1}) {
    std::tm tm = tm_of(fields);
    tm.tm_isdst = daylight_saving;
    const std::time_t seconds = utc ? timegm(&tm) : mktime(&tm);
    std::tm shown = {};
    if ((utc ? gmtime_r(&seconds, &shown) : localtime_r(&seconds, &shown)) == nullptr) continue;
    if (same(fields, shown)) moments.push_back(seconds);
  }
  std::sort(moments.begin(), moments.end());
  moments.erase(std::unique(moments.begin(), moments.end()), moments.end());
  return moments;
}

[[noreturn]] void refuse_ambiguous(const std::string& text, const std::vector<std::time_t>& moments) {
  throw base::Error(base::ErrorKind::usage, "", "",
                    base::quoted(text) + " was twice, as clocks were put back")
      .with_hint("write " + base::to_iso({moments.front(), 0}) + " for the first, " +
                 base::to_iso({moments.back(), 0}) + " for the second time");
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
  const auto moments = moments_of(fields_of(digits), utc);
  if (moments.empty()) refuse(text);
  const bool is_day = digits.size() == 8;  // its end is the later one
  if (moments.size() > 1 && !is_day) refuse_ambiguous(text, moments);
  return {moments.back(), 0};
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
