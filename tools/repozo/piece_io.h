// Reading and checking the bytes of one backup file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "io/env.h"
#include "repozo/chains.h"
#include "repozo/repository.h"

namespace repozo {

using Sink = std::function<void(base::ByteSpan)>;

std::unique_ptr<io::File> open_piece(Repository& repository, const Piece& piece);

// Gives the unpacked bytes to `sink`, in order, in portions of at most 1 MiB. Returns their number. corrupt
// for gzip data that is not sound, or as soon as more than `limit` bytes come out of it.
std::uint64_t read_piece(io::File& file, const BackupName& name, std::uint64_t limit, const Sink& sink);

enum class Check {
  size,  // only
  sums,  // by the sums of its blocks; by MD5 if it has none
  md5
};

struct Checked {
  std::string fault;       // "" or what is wrong: "is 5 bytes, should be 7 bytes", "block 3 ... is damaged"
  std::uint64_t size = 0;  // bytes that were there
  std::string md5;         // if it was taken
};

// The block of a plain piece with sums, read into `buffer` (1 MiB) and compared; its bytes in `bytes`. "" or
// the fault.
std::string check_block(io::File& file, const Piece& piece, std::uint64_t block, std::span<std::byte> buffer,
                        base::ByteSpan& bytes);

// Checks a piece that is there, and gives what was read to `sink` (if any) at the same time, in order; what
// turns out to be damaged may have been given by then. The whole file is read unless its size is wrong.
Checked check_piece(io::File& file, const Piece& piece, Check check, const Sink& sink);

// "is 5 bytes, should be 7 bytes".
std::string wrong_size(const Piece& piece, std::uint64_t found);
// "block 3 (bytes 2097152 to 3145728) is damaged".
std::string damaged_block(const Piece& piece, std::uint64_t block);

}  // namespace repozo
