#include "filestorage/pack_time.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "base/error.h"

namespace filestorage {

namespace {

constexpr double kFarAway = 1e12;

double seconds_of(base::UtcTime time) {
  return static_cast<double>(time.seconds) + static_cast<double>(time.nanoseconds) / 1e9;
}

std::optional<double> parse_seconds(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> parse_pack_time(std::string_view text) {
  if (text.starts_with('@')) return parse_seconds(text.substr(1));
  std::string iso(text);
  constexpr std::size_t kDate = 10;  // "2026-11-23"
  if (iso.size() == kDate) iso += "T00:00:00";
  if (!iso.ends_with('Z')) iso += 'Z';
  const auto time = base::from_iso(iso);
  if (!time) return std::nullopt;
  return seconds_of(*time);
}

double days_before(base::UtcTime now, double days) {
  return seconds_of(now) - days * 86400;
}

base::Tid pack_tid(double time) {
  const auto refuse = [] {
    return base::Error(base::ErrorKind::usage, "pack to", "", "the time is out of range");
  };
  if (!(std::abs(time) <= kFarAway)) throw refuse();
  // The minutes of the whole second; the rest from the double itself, which has digits that UtcTime has not.
  const base::Tid minutes = base::tid_of({static_cast<std::int64_t>(std::floor(time)), 0}) >> 32;
  double seconds = std::fmod(time, 60.0);
  if (seconds < 0) seconds += 60.0;
  const double low = std::min(seconds / (60.0 / 4294967296.0), 4294967295.0);
  const base::Tid tid = minutes << 32 | static_cast<base::Tid>(low);
  if (tid == 0) throw refuse();
  return tid;
}

}  // namespace filestorage
