// Removing old chains.
#pragma once

#include <string>
#include <vector>

#include "repozo/report.h"
#include "repozo/repository.h"

namespace repozo {

// All but the newest `keep` chains, each from its last increment to its full backup, so that a crash leaves a
// shorter chain that is good, or files that the next sweep removes. Needs the lock. Returns the backup files
// removed, in order of their names; durable.
std::vector<std::string> remove_chains(Repository& repository, unsigned keep, const Report& report);

}  // namespace repozo
