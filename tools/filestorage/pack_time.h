// The moment up to which a pack goes, as ZODB makes a transaction id of it: a Unix time in a double.
#pragma once

#include <optional>
#include <string_view>

#include "base/utc_time.h"

namespace filestorage {

// "@SECONDS" (a Unix time, fractions to the last digit of a double) or ISO 8601 in UTC
// ("2026-11-23T14:19:08.5Z", also without the Z, or a date alone). Empty for anything else.
std::optional<double> parse_pack_time(std::string_view text);

// Now, less so many days of 86,400 seconds.
double days_before(base::UtcTime now, double days);

// The last tid that belongs to the part to be packed. Error(usage) for years before 1900, for 1900-01-01
// 00:00:00 itself, which is tid 0, and for times out of range.
base::Tid pack_tid(double time);

}  // namespace filestorage
