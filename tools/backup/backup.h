// The backup of an instance, from the locks to the hooks: what `schooltool-db backup` runs.
//
//   BackupReport report = back_up(env, instance, {});
//
// In this order: the instance's lock; backup.pre.d; the pair (pair.h); retention; the outcome for `status`;
// backup.post.d. Nothing older goes before the new pair is complete, checked and durable.
#pragma once

#include <string>
#include <vector>

#include "backup/outcome.h"
#include "backup/pair.h"
#include "io/env.h"
#include "upgrade/instances.h"

namespace backup {

struct BackupRequest {
  bool full = false;
  bool accept = false;  // a person says that the database is right though it shrank or changed
  StartProgress progress;
};

struct BackupReport {
  PairResult pair;
  std::vector<std::string> removed;   // names in the repository
  std::vector<std::string> warnings;  // full lines for the administrator: the backup stands, but...
  Outcome outcome;
};

// Errors: busy (another command works on the instance or the repository, or an upgrade is under way), and as
// of make_pair(). Whatever fails is left in the state folder for `status`, and told to the hooks.
BackupReport back_up(io::Env& env, const upgrade::Instance& instance, const BackupRequest& request);

}  // namespace backup
