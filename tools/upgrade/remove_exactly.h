// Removing a generation while other programs move generations.
#pragma once

#include "io/env.h"
#include "upgrade/data_folder.h"

namespace upgrade {

// Whether both are of one file that was not written to between them.
bool is_same_version(const io::FileStatus& one, const io::FileStatus& other);

// Removes the generation if its name leads to this very file, unchanged; false if not. The name is first
// taken away, and only what was taken is looked at: a file that somebody moves to the name in the last moment
// is put back, under the next free number if need be. Not durable: the caller syncs the folder. A crash in
// between leaves the file under a temporary name, which the next run sweeps.
bool remove_exactly(io::Env& env, DataFolder& folder, Generation generation, const io::FileStatus& status);

}  // namespace upgrade
