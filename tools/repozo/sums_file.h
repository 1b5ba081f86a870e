// The .sums file beside a backup: what repozo needs to check that backup at the speed of memory, and to say
// which part of it is damaged. ZODB's repozo ignores it, and nothing but speed is lost without it.
//
// Numbers are unsigned and big-endian.
//
//    at  bytes
//     0     8  "RZSUMS1\n"
//     8    32  name of the backup file, filled up with zero bytes
//    40     8  start, and
//    48     8  end of the piece: bytes of the database
//    56    16  MD5 of the piece
//    72     8  size of the backup file (less than the piece if compressed)
//    80     8  size of the .index file of the same stamp
//    88    16  XXH3-128 of the .index file
//   104     8  bytes in a block, 2^20
//   112    16  for each block of the piece, before compression: its XXH3-128; the last block may be shorter
//    end   16  XXH3-128 of all bytes before
//
// Sums are in the canonical form (big-endian). Example, an empty increment at 0x2e264 (128 bytes):
//
//   525a53554d53310a 323031332d30322d30372d30332d31362d30302e64656c746166730000000000 000000000002e264
//   000000000002e264 d41d8cd98f00b204e9800998ecf8427e 0000000000000000 0000000000000605 (index sum)
//   0000000000100000 (sum of these)
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "io/env.h"
#include "repozo/names.h"

namespace repozo {

using Sum = std::array<std::byte, 16>;  // XXH3-128, canonical

inline constexpr std::size_t kSumBlock = 1 << 20;

Sum sum_of(base::ByteSpan bytes);
// Of a file from its start to its end; its length in `size`.
Sum sum_of_file(io::File& file, std::uint64_t& size);

// Sums of the blocks of a piece whose bytes come in pieces of any size.
class BlockSummer {
 public:
  BlockSummer();
  ~BlockSummer();
  BlockSummer(const BlockSummer&) = delete;
  BlockSummer& operator=(const BlockSummer&) = delete;

  void update(base::ByteSpan bytes);
  // Ends the last block.
  std::vector<Sum> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::size_t filled_ = 0;  // bytes of the block under way
  std::vector<Sum> sums_;
};

struct Sums {
  BackupName name;
  std::uint64_t start = 0, end = 0;
  std::string md5;
  std::uint64_t stored = 0;
  std::uint64_t index_size = 0;
  Sum index_sum{};
  std::vector<Sum> blocks;

  std::uint64_t size() const { return end - start; }
};

// Whether this is the .index file that the sums are of. One of another size is not read.
bool is_index_of(const Sums& sums, io::File& index);

std::string encode_sums(const Sums& sums);
// Takes any bytes; empty if they are not, whole and unchanged, what encode_sums() makes.
std::optional<Sums> decode_sums(std::string_view bytes);

}  // namespace repozo
