// Scanning what was added to a database since an index was made.
#pragma once

#include "filestorage/scan.h"

namespace filestorage {

// As scan(), but of the transactions from `position` on: the end of the transaction with the tid `last`, up
// to which the file is known to be sound and `options.positions`, if asked for, already filled. Counts, first
// tid and findings are those of the transactions behind it; the end is `position` if there is none. Digest
// points are not possible.
ScanResult scan_on(io::File& file, const ScanOptions& options, std::uint64_t position, Tid last);

}  // namespace filestorage
