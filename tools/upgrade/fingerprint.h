// What a database file holds, taken in one pass.
#pragma once

#include <cstdint>
#include <vector>

#include "filestorage/scan.h"
#include "io/env.h"
#include "upgrade/journal.h"

namespace upgrade {

// From a scan whose last digest point was its end.
Fingerprint fingerprint_of(const filestorage::ScanResult& scan, const io::FileStatus& status);

// Scans the first `limit` bytes, all of them digested. `also` is a further digest point, ignored if it is 0
// or not below `limit`; its digest comes first in `digests` then. `tids` as in filestorage::ScanOptions, may
// be null.
filestorage::ScanResult scan_whole(io::File& file, std::uint64_t limit, std::uint64_t also,
                                   filestorage::Index* tids, const io::OnProgress& progress);

// No transactions, or nothing but a root object: there is no school in it.
bool holds_nothing(const filestorage::ScanResult& scan);
bool holds_nothing(const Fingerprint& fingerprint);

// The tid of the first transaction, and of the last one before `end` (a value of filestorage::find_end above
// 4); each one or two small reads. 0 where the bytes are not there.
base::Tid first_tid(io::File& file);
base::Tid last_tid(io::File& file, std::uint64_t end);

// Whether the file holds zero bytes only from `from` on (an empty rest does).
bool only_zeros(io::File& file, std::uint64_t from);

// Length of the longest common prefix of two files, in bytes; at most `limit`.
std::uint64_t common_prefix(io::File& one, io::File& other, std::uint64_t limit);

}  // namespace upgrade
