// One plain generation becomes a compressed one: Data.fs.3 -> Data.fs.3.gz.
//
// Other programs move generations too, without a lock: savelog(8) in a package's own scripts renames .1 to
// .2, with .gz or without. So a plain file is removed only after its compressed form is in place and durable,
// and only if its name still leads to the very file that was compressed (remove_exactly.h).
#pragma once

#include <cstdint>
#include <optional>

#include "io/copy.h"
#include "io/env.h"
#include "upgrade/data_folder.h"

namespace upgrade {

// Bytes of free space that a plain file of this size may need while it is compressed.
std::uint64_t space_to_compress(std::uint64_t size);

struct CompressedGeneration {
  std::uint64_t size_before = 0, size_after = 0;
  io::FileStatus status;  // of the compressed file
  bool good = false;      // it holds a good database (content.h)
};

// Compresses to a private temporary, gives it the plain file's owner, mode and time, syncs it, reads it back
// from disk and compares digest and length, renames it into place, and removes the plain file. Durable when
// it returns. `replaced` is the damaged compressed file that may be replaced; without it the compressed name
// has to be free. Empty if the plain file was moved away or written to meanwhile, or the one to be replaced
// was; then nothing is changed. Errors: no_space (asked first; nothing is left), unsafe_path, exists, corrupt
// (what was written does not read back the same; nothing is left), io. At every point, also after an error or
// a crash, the content is there complete under the plain name, the compressed one, or both.
std::optional<CompressedGeneration> compress_generation(io::Env& env, DataFolder& folder, unsigned number,
                                                        const std::optional<io::FileStatus>& replaced,
                                                        const io::OnProgress& progress);

// A number that exists both plain and compressed.
struct Pair {
  enum class Kind {
    same,        // the rest of an interrupted run: the plain file can go
    unreadable,  // the compressed one was never finished, or is damaged: it can be replaced, as the plain one
                 // is good
    young,       // not readable, but written to minutes ago: perhaps by somebody who is not done
    both_bad,    // the compressed one is damaged, and the plain one is no good database either
    plain_older,  // two different contents; by their last transactions
    compressed_older
  };
  Kind kind = Kind::both_bad;
  io::FileStatus plain, compressed;
  bool good = false;  // for Kind::same: it is a good database
};
// Reads both. Errors: unsafe_path, not_found, io.
Pair compare_pair(io::Env& env, DataFolder& folder, unsigned number);
// For Kind::same: makes the compressed file durable and removes the plain one. Empty, with nothing changed,
// if one of them was moved away or written to since.
std::optional<CompressedGeneration> finish_pair(io::Env& env, DataFolder& folder, unsigned number,
                                                const Pair& pair);
// For different contents: numbers up to the first free one move one up, and the older of both moves to number
// + 1. Nothing is ever overwritten. False, with nothing changed, if no number is free.
bool separate_pair(DataFolder& folder, unsigned number, const Pair& pair);

}  // namespace upgrade
