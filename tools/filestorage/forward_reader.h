// Reads pieces of a file that come mostly front to back: through a buffer that grows with what is read in a
// row, shrinks behind a gap, and takes a record of any size when it is asked for one. Every thread has its
// own; the file may be shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "io/env.h"

namespace filestorage {

class ForwardReader {
 public:
  // Hands out nothing at or behind `end`.
  ForwardReader(io::File& file, std::uint64_t end) : file_(file), end_(end) {}

  // `length` bytes at `offset`, valid until the next call; null if they reach over the end (or the file
  // shrank).
  const std::byte* at(std::uint64_t offset, std::uint64_t length) {
    if (offset >= start_ && offset - start_ <= filled_ && length <= filled_ - (offset - start_)) {
      return buffer_.get() + (offset - start_);
    }
    return refill(offset, length);
  }
  base::ByteSpan bytes(std::uint64_t offset, std::uint64_t length) {
    const std::byte* found = at(offset, length);
    return found == nullptr ? base::ByteSpan() : base::ByteSpan(found, static_cast<std::size_t>(length));
  }
  io::File& file() { return file_; }
  std::uint64_t end() const { return end_; }

 private:
  const std::byte* refill(std::uint64_t offset, std::uint64_t length);

  io::File& file_;
  std::uint64_t end_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;
  std::uint64_t start_ = 0;  // file offset of the first byte in the buffer
  std::size_t filled_ = 0;   // bytes in the buffer
  std::size_t step_ = 0;     // of the read before
};

}  // namespace filestorage
