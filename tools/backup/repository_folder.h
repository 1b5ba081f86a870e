// The folder with an instance's backups: backup-dir/NAME, root's alone.
#pragma once

#include <memory>
#include <string>

#include "io/env.h"
#include "upgrade/instances.h"

namespace backup {

std::string repository_path(const upgrade::Instance& instance);
// Made if absent (0700). Error(unsafe_path) if others than root may write to it.
std::unique_ptr<io::Dir> open_repository(io::Env& env, const upgrade::Instance& instance);
// Without making anything; null if it does not exist.
std::unique_ptr<io::Dir> find_repository(io::Env& env, const upgrade::Instance& instance);
// The same, Error(not_found) with a hint if it does not exist.
std::unique_ptr<io::Dir> need_repository(io::Env& env, const upgrade::Instance& instance);

}  // namespace backup
