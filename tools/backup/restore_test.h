// A restore for the sake of proof: into a scratch folder, and away again.
#pragma once

#include <string>

#include "backup/verify.h"

namespace backup {

inline constexpr const char* kScratchName = ".restore-test";

// Restores the backup of this stamp below the repository, reads database and blobs back, and removes them.
// Error(corrupt) telling what is wrong; no_space.
RestoreTest test_restore(io::Env& env, const upgrade::Instance& instance, const std::string& stamp,
                         const StartProgress& progress);

}  // namespace backup
