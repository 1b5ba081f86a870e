// What became of the last backups of an instance: backup.json in its state folder, for `schooltool-db
// status`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/utc_time.h"
#include "io/env.h"
#include "upgrade/instances.h"

namespace backup {

// The last backup of the database before it shrank.
struct Larger {
  std::string stamp;
  std::uint64_t size = 0;  // of the database
  base::Tid last_tid = 0;
};

struct Outcome {
  // The last run that ended well, with or without something new to store.
  std::optional<base::UtcTime> good;
  std::string stamp;                    // of the newest backup then
  std::uint64_t size = 0;               // of the database in it
  std::optional<std::uint64_t> before;  // in the one before that
  std::string alarm;                    // "" or what a person should look at: "it shrank without a pack"
  // It shrank without a pack, and nothing has explained that yet. As long as this is here no backup goes.
  std::optional<Larger> larger;
  std::string damage;  // the same where the last full backup showed that its middle has changed
  std::uint64_t blobs = 0, missing = 0;
  // The last run of all.
  std::optional<base::UtcTime> tried;
  std::string failure;  // "" if it ended well
};

// An absent or unreadable one is empty: it is told anew by the next run.
Outcome load_outcome(io::Dir& state);
// Stamp of the last good backup, as it was noted outside of the repository; "" if that is not known.
std::string last_good_stamp(io::Env& env, const upgrade::Instance& instance);
void save_outcome(io::Dir& state, const Outcome& outcome, io::Env& env);

}  // namespace backup
