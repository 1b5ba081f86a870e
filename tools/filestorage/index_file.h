// Data.fs.index: ZODB's cache of where each object's newest record is. Only a cache: whatever is wrong with
// it, the answer is "rebuild".
//
// A sequence of pickles, one directly behind the other:
//   the position (offset in the data file) up to which it holds;
//   a pair (prefix, bucket) for each distinct first 6 bytes of an oid, rising: the prefix, and a string of
//   the last 2 bytes of each of its oids, rising, followed by the positions in the same order, 6 bytes each,
//   big-endian; None.
// Example, FS30, the root object at 31 and the end at 162 (K opcode):
//   80 03 4b a2 2e  80 03 43 06 000000000000 43 08 0000 00000000001f 86 2e  80 03 4e 2e
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "filestorage/index.h"
#include "io/env.h"

namespace filestorage {

// How the bytes are pickled; the same content, two dialects.
enum class IndexDialect {
  protocol3,            // ZODB 5 and later, and any ZODB on Python 3
  protocol1,            // ZODB3 3.10 on Python 2
  protocol1_after_pack  // the same after a pack: the position is a number of another of its types
};
// Python 3 reads byte strings of its own kind only; Python 2 writes both dialects with its own.
enum class IndexStrings { python3, python2 };

struct LoadedIndex {
  std::uint64_t position = 0;  // holds up to here
  Index positions;
  // Has strings that only Python 2 reads (some byte over 127). A ZODB on Python 3 ignores such an index.
  bool python2_only = false;
};

// Streams the index to `target` from offset 0, byte for byte as ZODB would. Returns the bytes written. Not
// durable: the caller syncs. Positions above 2^48 do not fit the format and are a usage error.
std::uint64_t write_index(io::File& target, const Index& positions, std::uint64_t position,
                          IndexDialect dialect, IndexStrings strings);

// How a ZODB would write the index of a data file with this magic: for FS21 that depends on which ZODB it is,
// which the index that is there now tells (null: none). ZODB3 3.10 if nothing tells.
struct IndexForm {
  IndexDialect dialect;
  IndexStrings strings;
};
IndexForm index_form(bool fs30, io::File* present);

// Empty, with a reason in `why`, if the file is not an index in the form above, in either dialect, with or
// without memo opcodes. The older forms (one pickle of a dict) are not read. Never trusts a length it has not
// checked; memory is bounded by the number of entries really present. Exceptions: io errors only.
std::optional<LoadedIndex> read_index(io::File& file, std::string& why);

// Whether ZODB would believe this index for this data file: the position is a boundary, and up to five
// records before it are where the index has them. False leaves a reason in `why`. Like ZODB, it does not
// notice a wrong entry elsewhere.
bool index_is_believable(io::File& data, std::uint64_t data_size, const LoadedIndex& index, std::string& why);

}  // namespace filestorage
