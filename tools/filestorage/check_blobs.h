// The part of check() that compares the blob folder with the blob records, both ways.
#pragma once

#include <cstdint>

#include "filestorage/check.h"

namespace filestorage {

// Returns the number of blob records before `end`. 25 bytes of memory for each. Links are never followed, and
// no blob is read. What a pack leaves there (.removed) and files that are being written are passed over.
std::uint64_t check_blobs(io::File& data, std::uint64_t end, io::Dir& blobs, const OnProblem& told,
                          const io::OnProgress& progress);

}  // namespace filestorage
