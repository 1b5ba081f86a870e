// The packed file while it is written: from front to back through a large buffer that is written behind our
// back, with an early start of the write-back. Without a file it only counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "filestorage/forward_reader.h"
#include "filestorage/write_behind.h"
#include "io/env.h"

namespace filestorage {

class PackOutput {
 public:
  explicit PackOutput(io::File* file);  // null: counts

  std::uint64_t position() const { return written_ + buffer_.size(); }
  void append(base::ByteSpan bytes);
  // `length` bytes of the source; large ones inside the kernel. Error(corrupt) if they are not there.
  void copy(ForwardReader& source, std::uint64_t offset, std::uint64_t length);
  // Over bytes that were appended before.
  void patch(std::uint64_t offset, base::ByteSpan bytes);
  // `length` bytes of what was appended, valid until the next call of anything here.
  base::ByteSpan read(std::uint64_t offset, std::uint64_t length);
  // All is in the file when it returns.
  void flush();

 private:
  void hand_over();
  void wrote(std::uint64_t bytes);

  io::File* file_;
  std::vector<std::byte> buffer_;
  std::vector<std::byte> read_back_;
  std::optional<WriteBehind> behind_;
  std::uint64_t written_ = 0;  // handed over; the buffer comes behind
  std::uint64_t started_ = 0;  // write-back asked for up to here
};

}  // namespace filestorage
