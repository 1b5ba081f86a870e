// Moments as a person at this machine writes and reads them: in the local time zone, unless UTC is said.
#pragma once

#include <string>

#include "base/utc_time.h"

namespace app {

// "2026-11-23 03:15", with seconds, or with a T between, in local time; with a Z behind in UTC; a stamp as in
// the names of backups ("2026-11-23-03-15-00") in UTC; a date alone means the end of that local day. Minutes
// without seconds mean their end. Error(usage) for anything else, and for a local time that never was or was
// twice, as clocks are put forward and back: the hint names the moments in UTC.
base::UtcTime parse_moment(const std::string& text);

// "2026-11-23 04:15:00 CET".
std::string local_text(base::UtcTime time);

}  // namespace app
