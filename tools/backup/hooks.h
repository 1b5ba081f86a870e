// What an administrator wants done before and after each backup, an off-site copy for instance: the programs
// in two folders, run by run-parts.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "io/env.h"

namespace backup {

inline constexpr const char* kPreHooks = "/etc/schooltool-dbtools/backup.pre.d";
inline constexpr const char* kPostHooks = "/etc/schooltool-dbtools/backup.post.d";

// Runs all programs in `folder` with these variables in their environment; nothing if it is absent. Returns
// "" or what went wrong, with the first lines they printed. A program that runs for more than six hours is
// killed.
std::string run_hooks(io::Env& env, const std::string& folder,
                      const std::vector<std::pair<std::string, std::string>>& variables);

}  // namespace backup
