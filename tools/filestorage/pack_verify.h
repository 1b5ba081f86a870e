// Looking over a packed file before it takes the place of the old one.
#pragma once

#include <cstdint>

#include "filestorage/index.h"
#include "filestorage/pack_select.h"
#include "io/env.h"

namespace filestorage {

// Reads the file back: the chain of transactions is whole, ends at `length`, and the index is what a scan
// gives, with the records of status 'u', which a scan leaves out, as a pack with these flaws counts them.
// Error(corrupt) if not. A large file is read in two parts, by up to `threads` threads.
void verify_packed(io::File& packed, std::uint64_t length, const Index& index, PackFlaws flaws,
                   unsigned threads);

// Each object that was kept as of the pack time refers to objects that the new index has (or that did not
// exist before). After copy_rest(), while the nodes are there. Error(corrupt) if not.
void verify_references(io::File& packed, const Selection& selection);

}  // namespace filestorage
