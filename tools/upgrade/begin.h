// The step before an upgrade: the live database is snapshotted, held, and the upgrade opened. If an earlier
// upgrade is still open, that one is looked after first, so that a retry never takes a broken database for
// the good one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/env.h"
#include "upgrade/check.h"
#include "upgrade/instances.h"
#include "upgrade/snapshot.h"

namespace upgrade {

struct BeginReport {
  bool already_begun = false;  // an earlier hook of this very upgrade did it
  std::optional<SnapshotReport> snapshot;
  std::optional<CheckReport> repaired;  // the earlier upgrade's database was put back first
};

// Durable when it returns. Errors: as of snapshot.h and rollback.h, and corrupt if an earlier upgrade left
// the database in doubt and a person has not decided yet (the copy from before it is kept).
BeginReport begin_upgrade(io::Env& env, const Instance& instance, const UpgradeContext& context);

struct Baseline {
  SnapshotReport snapshot;
  // If an upgrade seems to have lost the database before there was anybody to watch, for the administrator,
  // each a full line. Told with the first copy only: a later blank one may be meant.
  std::vector<std::string> messages;
};

// The copy taken when our hooks are installed, so that something is there before their first upgrade. Opens
// nothing.
Baseline take_baseline(io::Env& env, const Instance& instance);

}  // namespace upgrade
