// A rollback that a person asked for.
#pragma once

#include <optional>
#include <string>

#include "io/copy.h"
#include "io/env.h"
#include "upgrade/instances.h"
#include "upgrade/rollback.h"

namespace upgrade {

struct HandPlan {
  RollbackPlan plan;
  std::string source_path;
};

// Without `to`: the database of before the open upgrade, else the newest generation. Reads the source
// completely. Changes nothing. A copy that belongs to root is put back with the owner and mode of the live
// database. Errors: not_found if there is no copy; corrupt; as of rollback.h.
HandPlan plan_by_hand(io::Env& env, const Instance& instance, const std::optional<std::string>& to);

// Carries it out under the instance's lock. An open upgrade is closed: a person has decided. Its held copy
// stays until the next upgrade. Error(busy), with nothing done, also if the files are not those of the plan
// any more; else as of rollback.h.
RollbackReport roll_back_by_hand(io::Env& env, const Instance& instance, const HandPlan& hand,
                                 const io::OnProgress& progress);

}  // namespace upgrade
