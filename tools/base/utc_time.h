// Moments in UTC, and the transaction ids that are made from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

// Seconds and nanoseconds since 1970-01-01 00:00:00 UTC.
struct UtcTime {
  std::int64_t seconds = 0;
  std::int32_t nanoseconds = 0;
  auto operator<=>(const UtcTime&) const = default;
};

// "2026-11-23T14:19:08Z".
std::string to_iso(UtcTime time);
// The reverse, also with a fraction; empty if the text has another form.
std::optional<UtcTime> from_iso(std::string_view text);
// "20261123T141908Z": for file names.
std::string to_stamp(UtcTime time);

// A transaction id is a moment: 4 bytes of minutes (months counted as 31 days), 4 bytes of
// 2^-32 minutes (shared with ZODB's TimeStamp). 0 means "none".
using Tid = std::uint64_t;
using Oid = std::uint64_t;

// The moment of a tid, rounded down to a microsecond.
UtcTime tid_time(Tid tid);
// The tid of a moment, computed as ZODB does (seconds in doubles, then truncated). Years before
// 1900 are an error of kind usage.
Tid tid_of(UtcTime time);

}  // namespace base
