#include "base/utc_time.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>

#include "base/error.h"

namespace base {

namespace {

constexpr std::int64_t kSecondsPerDay = 86400;

// A moment of the Gregorian calendar, in UTC.
struct Civil {
  std::int64_t year = 1970;
  std::int64_t month = 1, day = 1;  // both from 1
  std::int64_t hour = 0, minute = 0, second = 0;
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// Days since 1970-01-01 in the Gregorian calendar. A day past the end of its month counts on into the next.
std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  // Years begin in March here, so that the leap day is the last one.
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = floor_div(y, 400);
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

Civil civil_of(std::int64_t seconds) {
  const std::int64_t days = floor_div(seconds, kSecondsPerDay);
  // Of the day; days * kSecondsPerDay may be just out of range.
  const std::int64_t rest = (seconds % kSecondsPerDay + kSecondsPerDay) % kSecondsPerDay;
  const std::int64_t since_era = days + 719468;
  const std::int64_t era = floor_div(since_era, 146097);
  const std::int64_t d = since_era - era * 146097;
  const std::int64_t year_of_era = (d - d / 1460 + d / 36524 - d / 146096) / 365;
  const std::int64_t day_of_year = d - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t march_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {.year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
          .month = month,
          .day = day_of_year - (153 * march_month + 2) / 5 + 1,
          .hour = rest / 3600,
          .minute = rest / 60 % 60,
          .second = rest % 60};
}

std::int64_t seconds_of(const Civil& c) {
  return days_of(c.year, c.month, c.day) * kSecondsPerDay + c.hour * 3600 + c.minute * 60 + c.second;
}

std::string formatted(UtcTime time, bool iso) {
  const Civil c = civil_of(time.seconds);
  std::array<char, 80> text;
  const auto number = [](std::int64_t value) { return static_cast<long long>(value); };
  const int length =
      iso ? std::snprintf(text.data(), text.size(), "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ",
                          number(c.year), number(c.month), number(c.day), number(c.hour), number(c.minute),
                          number(c.second))
          : std::snprintf(text.data(), text.size(), "%04lld%02lld%02lldT%02lld%02lld%02lldZ", number(c.year),
                          number(c.month), number(c.day), number(c.hour), number(c.minute), number(c.second));
  return {text.data(), static_cast<std::size_t>(length)};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Matches `text` against a form where each '0' stands for a digit; the digits between other characters are
// the numbers.
bool parse_form(std::string_view text, std::string_view form, std::array<std::int64_t, 6>& numbers) {
  if (text.size() != form.size()) return false;
  std::size_t at = 0;
  numbers = {};
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == '0') {
      if (!is_digit(text[i])) return false;
      numbers[at] = numbers[at] * 10 + (text[i] - '0');
    } else {
      if (text[i] != form[i]) return false;
      ++at;
    }
  }
  return true;
}

}  // namespace

std::string to_iso(UtcTime time) {
  return formatted(time, true);
}
std::string to_stamp(UtcTime time) {
  return formatted(time, false);
}

std::optional<UtcTime> from_iso(std::string_view text) {
  static constexpr std::string_view form = "0000-00-00T00:00:00";
  if (text.size() <= form.size() || text.back() != 'Z') return {};
  text.remove_suffix(1);
  std::string_view fraction = text.substr(form.size());
  std::array<std::int64_t, 6> numbers;
  if (!parse_form(text.substr(0, form.size()), form, numbers)) return {};
  const Civil c{numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
  if (c.month < 1 || c.month > 12 || c.hour > 23 || c.minute > 59 || c.second > 59) return {};
  UtcTime time{seconds_of(c), 0};
  // The day exists if it comes back as itself.
  if (const Civil back = civil_of(time.seconds); back.day != c.day || back.month != c.month) return {};
  if (!fraction.empty()) {
    if (fraction.front() != '.' || fraction.size() < 2 || fraction.size() > 10) return {};
    fraction.remove_prefix(1);
    std::int32_t unit = 100'000'000;
    for (const char digit : fraction) {
      if (!is_digit(digit)) return {};
      time.nanoseconds += (digit - '0') * unit;
      unit /= 10;
    }
  }
  return time;
}

UtcTime tid_time(Tid tid) {
  const auto minutes = static_cast<std::int64_t>(tid >> 32);
  const std::uint64_t microseconds = (tid & 0xffffffff) * 60'000'000 >> 32;
  const Civil c{.year = minutes / 535680 + 1900,
                .month = minutes / 44640 % 12 + 1,
                .day = minutes / 1440 % 31 + 1,
                .hour = minutes / 60 % 24,
                .minute = minutes % 60,
                .second = static_cast<std::int64_t>(microseconds / 1'000'000)};
  return {seconds_of(c), static_cast<std::int32_t>(microseconds % 1'000'000 * 1000)};
}

Tid tid_of(UtcTime time) {
  // As Python does it: the moment is one double, its whole part is broken down, and the seconds with their
  // fraction are the remainder of that double.
  const auto refuse = [&]() -> Error {
    return {ErrorKind::usage, "make transaction id of", to_iso(time), "the year is out of range"};
  };
  constexpr std::int64_t kFarAway = 1'000'000'000'000;  // the year 33658: keeps the conversions below exact
  if (time.seconds < -kFarAway || time.seconds > kFarAway) throw refuse();
  const double moment = static_cast<double>(time.seconds) + static_cast<double>(time.nanoseconds) / 1e9;
  const Civil c = civil_of(static_cast<std::int64_t>(std::floor(moment)));
  const std::int64_t minutes =
      ((((c.year - 1900) * 12 + c.month - 1) * 31 + c.day - 1) * 24 + c.hour) * 60 + c.minute;
  if (c.year < 1900 || minutes > std::numeric_limits<std::uint32_t>::max()) throw refuse();
  double seconds = std::fmod(moment, 60.0);
  if (seconds < 0) seconds += 60.0;
  const double low = std::min(seconds / (60.0 / 4294967296.0), 4294967295.0);
  return static_cast<Tid>(minutes) << 32 | static_cast<Tid>(low);
}

}  // namespace base
