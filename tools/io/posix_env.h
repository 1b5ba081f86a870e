// The real operating system.
#pragma once

#include <memory>

#include "io/env.h"

namespace io {

std::unique_ptr<Env> make_posix_env();

// Puts something harmless on those of the descriptors 0, 1 and 2 that the process was started without, so
// that no file opened later gets such a number and a message is never written into a database. Writing to
// them fails as it did before. Call it first in main.
void occupy_standard_descriptors();

}  // namespace io
