// The names of a repository's files.
//
//   YYYY-MM-DD-hh-mm-ss.fs        full backup        } .fsz, .deltafsz: compressed by gzip
//   YYYY-MM-DD-hh-mm-ss.deltafs   increment          }
//   YYYY-MM-DD-hh-mm-ss.index     beside each: the index of the database at that moment
//   YYYY-MM-DD-hh-mm-ss.sums      beside each that we wrote: sums of its blocks (sums_file.h)
//   YYYY-MM-DD-hh-mm-ss.sums-new  the same as long as the backup is being made, or removed
//   YYYY-MM-DD-hh-mm-ss.dat       beside each full backup: what belongs to it (dat_file.h)
//   YYYY-MM-DD-hh-mm-ss.dat-before  the .dat while an increment is being added (add_increment.h)
//   .repozo.lock                  held by whoever writes
//
// The stamp is a moment in UTC. ZODB's repozo takes every file whose name has the form of the first two lines
// for a backup, whatever the digits, and nothing else.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/utc_time.h"

namespace repozo {

enum class Kind { full, increment };

struct BackupName {
  std::string stamp;
  Kind kind = Kind::full;
  bool gzip = false;

  // "2013-02-07-03-15-00.deltafsz".
  std::string file() const;
  bool operator==(const BackupName&) const = default;
};

// Empty if this is not the name of a backup file.
std::optional<BackupName> parse_name(std::string_view name);
// Whether these are the digits and dashes of a stamp, be they a date or not.
bool is_stamp(std::string_view text);

std::string stamp_of(base::UtcTime time);
// Empty if the digits are not a date.
std::optional<base::UtcTime> time_of(std::string_view stamp);
// The next stamp in order: a second later, or the next number where the digits are not a date. Empty after
// the last one.
std::optional<std::string> stamp_after(std::string_view stamp);

std::string index_name(std::string_view stamp);
std::string sums_name(std::string_view stamp);
std::string sums_new_name(std::string_view stamp);
std::string dat_name(std::string_view stamp);
std::string dat_before_name(std::string_view stamp);
inline constexpr const char* kLockName = ".repozo.lock";

// In the order in which backups belong behind each other: by stamp; the full one first.
bool comes_before(const BackupName& one, const BackupName& other);

}  // namespace repozo
