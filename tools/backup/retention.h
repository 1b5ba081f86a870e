// Which backups go when a new one is complete. A chain (a full backup with its increments) goes as a whole, a
// blob archive when no kept backup needs it.
#pragma once

#include <string>
#include <vector>

#include "backup/record.h"
#include "repozo/chains.h"
#include "repozo/repository.h"
#include "upgrade/settings.h"

namespace backup {

struct RetentionPlan {
  std::string oldest_kept;            // stamp of the first chain that stays; "" if nothing goes
  std::vector<std::string> chains;    // stamps of those that go, oldest first
  std::vector<std::string> records;   // stamps that go
  std::vector<std::string> archives;  // stamps that go
};

// `archives`: stamps of all blob archives. A chain without a record, or one that is not whole, counts for
// nothing, and goes when it is older than all that are kept. `free` and `needed`: bytes there are, and that
// another full backup would take; while they do not suffice, chains go down to `keep_min`.
RetentionPlan plan_retention(const std::vector<repozo::Chain>& chains, const std::vector<Record>& records,
                             const std::vector<std::string>& archives, unsigned keep, unsigned keep_min,
                             std::uint64_t free, std::uint64_t needed);

// Carries it out, durably: first the records, so that what is half removed does not count; then the chains;
// then the archives. Repeating it after an interruption finishes it. Returns the names removed.
std::vector<std::string> apply_retention(repozo::Repository& repository, const RetentionPlan& plan);

// Stamps of the blob archives, by either of their two files.
std::vector<std::string> archives_in(io::Dir& repository);

}  // namespace backup
