// A copy of a database and, in the same time, its fingerprint: one thread copies inside the kernel, another
// reads the copy behind it and walks its transactions. So the fingerprint is of the bytes that were written,
// and nothing waits for it.
#pragma once

#include <cstdint>

#include "filestorage/scan.h"
#include "io/copy.h"
#include "io/env.h"

namespace upgrade {

// Fills the empty `target` with the first `length` bytes of `source`. The result is the scan of the copy, its
// only digest that of the whole. Not durable: the caller syncs. Errors of either thread are thrown here,
// after both have ended.
filestorage::ScanResult copy_and_scan(io::File& source, io::File& target, std::uint64_t length,
                                      const io::OnProgress& progress);

}  // namespace upgrade
