// The part of check() that reads the pickles.
#pragma once

#include <cstdint>
#include <vector>

#include "filestorage/check.h"
#include "filestorage/index.h"
#include "filestorage/oid_bits.h"

namespace filestorage {

// Objects whose newest record has no data.
struct Dead {
  OidBits undone;      // a back pointer 0
  OidBits unreadable;  // a back pointer that leads nowhere
};

// Of the records that have no data (offsets, rising) those that `positions` names, in the file up to `end`.
Dead find_dead(io::File& file, const Index& positions, const std::vector<std::uint64_t>& without_data,
               std::uint64_t end);

struct ReferenceCounts {
  std::uint64_t records = 0, references = 0;
};

// One pass over the transactions that `structure` tells of: reads the pickles of the records that `positions`
// names (or of all) and looks up each strong reference. `told` is called by one thread at a time, in the
// order of the file.
ReferenceCounts check_references(io::File& file, const Index& positions, const Dead& dead,
                                 const ScanResult& structure, const CheckOptions& options,
                                 const OnProblem& told, const io::OnProgress& progress);

}  // namespace filestorage
