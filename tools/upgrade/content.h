// What a stored copy of a database holds, plain or compressed, from one reading of all of it.
#pragma once

#include <cstdint>
#include <string>

#include "base/utc_time.h"
#include "io/copy.h"
#include "io/env.h"

namespace upgrade {

struct Content {
  bool readable = false;     // to its end; only a compressed file can be otherwise
  std::string why;           // it is not readable
  std::uint64_t length = 0;  // bytes of the database, decompressed
  std::string xxh128;        // of these
  bool whole = false;        // an undamaged FileStorage that ends behind a complete transaction
  bool good = false;         // whole, and there is more in it than a root object
  base::Tid last_tid = 0;

  bool same_bytes(const Content& other) const { return length == other.length && xxh128 == other.xxh128; }
};

// Errors: those of reading.
Content read_plain(io::File& file, const io::OnProgress& progress);
// A file that is not gzip, is damaged, or holds more than `limit` bytes is not readable (then nothing but
// `why` is set). Errors: those of reading.
Content read_compressed(io::File& file, std::uint64_t limit);

}  // namespace upgrade
