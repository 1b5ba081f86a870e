// Removing old chains.
#pragma once

#include <string>
#include <vector>

#include "repozo/report.h"
#include "repozo/repository.h"

namespace repozo {

// All but the newest `keep` whole chains (is_whole) and what is newer than the oldest of these; with fewer
// whole ones, only what has no full backup before it. Each goes from its last increment to its full backup,
// so that a crash leaves a shorter chain that is good, and files that the next sweep removes. Needs the lock.
// Returns the backup files removed, in order of their names; durable.
std::vector<std::string> remove_chains(Repository& repository, unsigned keep, const Report& report);
// The same for all chains older than the one of this stamp, whole or not.
std::vector<std::string> remove_chains_before(Repository& repository, const std::string& stamp,
                                              const Report& report);
// What a crash left of an increment that was being removed, goes. Needs the lock.
void finish_removal(Repository& repository);

}  // namespace repozo
