// The copy of Data.fs that an upgrade can be undone with: Data.fs.0, older generations one number up.
//
// Order on disk: copy to a private temporary, checked while it is written; synced; named a second time in the
// vault (for an upgrade); generations moved up, the highest first; renamed to Data.fs.0; folder synced;
// journal written last. Whatever is interrupted, the generations that stood before still stand (perhaps one
// number higher), and the next run starts over.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/copy.h"
#include "io/env.h"
#include "upgrade/data_folder.h"
#include "upgrade/instances.h"
#include "upgrade/journal.h"

namespace upgrade {

struct UpgradeContext {
  std::string by;  // "apt", "dpkg", "preinst"
  std::vector<PackageChange> packages;
};

struct SnapshotRequest {
  // Set by the hooks: the copy is also held in the vault, and the upgrade is opened in the journal.
  std::optional<UpgradeContext> upgrade;
  // By hand: take it although the database looks blank beside the newest snapshot.
  bool even_if_blank = false;
  std::function<io::OnProgress(std::uint64_t total)> progress;
};

enum class SnapshotAction {
  copy,
  already_there,  // Data.fs.0 holds the same bytes
  absent,         // there is no database
  blank           // a blank one never displaces a good snapshot
};
const char* to_string(SnapshotAction action);

struct SnapshotPlan {
  SnapshotAction action = SnapshotAction::absent;
  std::uint64_t length =
      0;  // bytes worth keeping: up to the end of the last complete transaction; 0 if there is nothing in it
  std::uint64_t space_needed = 0;  // this copy, and the one that the package's own scripts will make
  std::uint64_t space_free = 0;
  std::vector<std::pair<std::string, std::string>> moves;  // generation names, in the order of doing
  std::string reason;                                      // why nothing is copied
};

struct SnapshotReport {
  SnapshotPlan plan;
  std::optional<Fingerprint> database;  // what is live; absent if nothing is
  std::string upgrade_id;               // empty unless an upgrade was opened
};

// What take_snapshot would do now. Changes nothing. Same errors.
SnapshotPlan plan_snapshot(io::Env& env, const Instance& instance, const SnapshotRequest& request);

// Takes the instance's lock. Durable when it returns. Errors: no_space (asked before anything is written;
// nothing changed), corrupt if the database is damaged inside (nothing kept of the copy), unsafe_path, busy,
// io.
SnapshotReport take_snapshot(io::Env& env, const Instance& instance, const SnapshotRequest& request);
// The same under a lock that is held already.
SnapshotReport take_snapshot_locked(io::Env& env, const Instance& instance, const SnapshotRequest& request,
                                    io::Dir& state);

// Removes what the vault holds for this database but for `keep` (may be empty). Under the lock.
void clear_vault(DataFolder& folder, const std::string& keep);

}  // namespace upgrade
