// The part of check() that reads the pickles.
#pragma once

#include <cstdint>

#include "filestorage/check.h"
#include "filestorage/index.h"
#include "filestorage/oid_bits.h"

namespace filestorage {

// Objects whose newest record has no data.
struct Dead {
  OidBits undone;      // a back pointer 0
  OidBits unreadable;  // a back pointer that leads nowhere
};

// One pass over the headers of the transactions before `end`.
Dead find_dead(io::File& file, const Index& positions, std::uint64_t end, const io::OnProgress& progress);

struct ReferenceCounts {
  std::uint64_t records = 0, references = 0;
};

// One pass over the transactions before `end`: reads the pickles of the records that `positions` names (or of
// all) and looks up each strong reference. `told` is called by one thread at a time, in the order of the
// file.
ReferenceCounts check_references(io::File& file, const Index& positions, const Dead& dead, std::uint64_t end,
                                 const CheckOptions& options, const OnProblem& told,
                                 const io::OnProgress& progress);

}  // namespace filestorage
