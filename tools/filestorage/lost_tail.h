// What stands behind the place where the chain of transactions breaks?
#pragma once

#include <cstdint>
#include <optional>

#include "io/env.h"

namespace filestorage {

struct LostTail {
  bool only_zeros = false;                   // nothing but zero bytes
  std::optional<std::uint64_t> transaction;  // offset of a whole transaction
  bool displaced = false;                    // which says that it stands elsewhere
};

// Searches from `broken`, the offset of the transaction that does not lead on, to `size` or to the first
// transaction found, in one sequential pass.
LostTail find_lost_tail(io::File& file, std::uint64_t broken, std::uint64_t size);

}  // namespace filestorage
