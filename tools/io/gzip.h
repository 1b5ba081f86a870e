// Standard gzip files (RFC 1952), for the older generations of a database.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "io/copy.h"
#include "io/env.h"

namespace io {

// Compresses `source` from its start to its end into the empty `target`: one member per MiB of input at
// libdeflate's level 6, made by as many threads as the machine has cores. Any gzip reads the result (`zcat`,
// `gzip -t`); `gzip -l` shows only the last member's size. At most 16 MB of memory. Returns the digest
// (XXH3-128, hex) and the length of the input. Not durable: the caller syncs.
struct GzipInput {
  std::uint64_t length = 0;
  std::string xxh128;
};
GzipInput gzip_compress(File& source, File& target, const OnProgress& progress);

// The same for input that comes from anywhere: `fill` is called from the calling thread and fills the block
// of 1 MiB it is given, less of it only at the end of the input; `level` is libdeflate's. Returns the bytes
// written to the empty `target`.
std::uint64_t gzip_compress_blocks(const std::function<std::size_t(std::span<std::byte>)>& fill, File& target,
                                   int level);

// A faster way to inflate members that stream, for programs that want to link more than zlib.
class MemberInflater {
 public:
  enum class Step { more, end, damaged };

  virtual ~MemberInflater() = default;
  // Before each member.
  virtual void begin() = 0;
  // Takes from the front of `input` and fills the front of `output`; `filled` bytes of it. `more`: it needs
  // input, or room. `end`: header, content, CRC and length were read, and `input` is what follows.
  virtual Step step(base::ByteSpan& input, std::span<std::byte> output, std::size_t& filled) = 0;
};

// Streams the decompressed content of a gzip file (any number of members; zero bytes behind the last member
// are allowed) to `sink` in pieces, in order. corrupt, with the position in the file, on anything that is not
// gzip, a wrong CRC or length, or a cut end. Stops with corrupt as soon as more than `limit` bytes come out:
// a hostile file cannot fill memory or disk. With `faster`, zlib only has to say what is wrong.
void gzip_decompress(File& source, std::uint64_t limit, const std::function<void(base::ByteSpan)>& sink,
                     MemberInflater* faster = nullptr);

// The most that a gzip file of this size can unpack to: deflate makes 1032 bytes of one at best.
std::uint64_t gzip_largest_content(std::uint64_t stored);

}  // namespace io
