// The part of check() that compares the blob folder with the blob records, both ways.
#pragma once

#include <cstdint>

#include "filestorage/check.h"

namespace filestorage {

// Returns the number of blob records in the transactions that `structure` tells of. 25 bytes of memory for
// each. Links are never followed, and no blob is read. What a pack leaves there (.removed) and files that are
// being written are passed over.
std::uint64_t check_blobs(io::File& data, const ScanResult& structure, io::Dir& blobs, const OnProblem& told,
                          const io::OnProgress& progress);

}  // namespace filestorage
