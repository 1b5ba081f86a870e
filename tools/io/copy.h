// Copies of large files at the speed of the kernel, with bounded memory.
#pragma once

#include <cstdint>
#include <functional>

#include "io/env.h"

namespace io {

using OnProgress =
    std::function<void(std::uint64_t bytes_done)>;  // called every few MB, from the calling thread

// Fills the empty `target` with the first `length` bytes of `source`: by reflink where the file system can,
// else inside the kernel in pieces, asking for write-back early so that the later sync is short. Afterwards
// the size of `target` is `length` exactly; a source that is shorter is corrupt. Not durable: the caller
// syncs. Space is reserved first, so no_space comes early.
void copy_prefix(File& source, File& target, std::uint64_t length, const OnProgress& progress);

}  // namespace io
