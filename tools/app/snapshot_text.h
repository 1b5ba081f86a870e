// A snapshot that would be taken, in words.
#pragma once

#include <iosfwd>

#include "upgrade/instances.h"
#include "upgrade/snapshot.h"

namespace app {

// Lines "INSTANCE: would rename ..." and "INSTANCE: would copy ..."; or the reason why nothing is copied.
void print_plan(std::ostream& out, const upgrade::Instance& instance, const upgrade::SnapshotPlan& plan);

}  // namespace app
