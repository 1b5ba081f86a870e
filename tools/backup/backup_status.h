// How the backups of an instance stand: for `schooltool-db status`, and so for monitoring.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "backup/outcome.h"
#include "base/utc_time.h"
#include "io/env.h"
#include "upgrade/instances.h"

namespace backup {

struct BackupStatus {
  bool on = false;  // backup = yes
  Outcome outcome;
  std::uint64_t free = 0;             // where the backups are; 0 if there is no such folder yet
  std::optional<base::UtcTime> next;  // a day after the last run
  std::string lost;                   // what of the last backup is not there any more
  std::string problem;                // why something of this could not be told
  // What makes `status` answer no: too old, gone, failed, shrank, incomplete; empty if all is well or backups
  // are off.
  std::string alarm;
};

// Never throws for trouble of the instance. `known_since`: since when there was a database to back up, as
// far as that is known; an instance that was never backed up is an alarm only backup-max-age after that.
BackupStatus backup_status(io::Env& env, const upgrade::Instance& instance,
                           std::optional<base::UtcTime> known_since);

// Lines to go behind those of upgrade::status_text.
std::string backup_status_text(const BackupStatus& status, base::UtcTime now);
nlohmann::json backup_status_json(const BackupStatus& status);

}  // namespace backup
