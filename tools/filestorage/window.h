// A window that moves once over a file, front to back, and hands out the bytes under it. While digests are
// wanted every byte passes through it and is hashed on the way; afterwards bytes that nobody asks for are
// skipped: behind a long gap the window is small, and it grows again with what is read in a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/xxh128.h"
#include "io/copy.h"
#include "io/env.h"

namespace filestorage {

class Window {
 public:
  // Looks at the first `size` bytes. `digest_points` rise, and none is above `size`.
  Window(io::File& file, std::uint64_t size, std::vector<std::uint64_t> digest_points,
         io::OnProgress progress);

  // `length` (at most 64) bytes at `offset`, valid until the next call; null if they reach over the end.
  // Offsets may go back only within what the call before handed out.
  const std::byte* at(std::uint64_t offset, std::size_t length) {
    if (offset >= start_ && offset - start_ + length <= filled_) return buffer_.data() + (offset - start_);
    return refill(offset, length);
  }
  // At least `length` bytes from `offset` and whatever else is at hand behind them; empty at the end.
  base::ByteSpan view(std::uint64_t offset, std::size_t length) {
    const std::byte* found = at(offset, length);
    if (found == nullptr) return {};
    return {found, static_cast<std::size_t>(start_ + filled_ - offset)};
  }
  // Reads on to the last digest point. The XXH3-128 (hex) of the bytes before each of the points; corrupt if
  // the file shrank meanwhile and a point is no longer there.
  std::vector<std::string> finish();
  // Smaller than asked for if the file shrank under our hands.
  std::uint64_t size() const { return size_; }

 private:
  const std::byte* refill(std::uint64_t offset, std::size_t length);
  std::size_t append(std::size_t wanted);
  void hash(base::ByteSpan bytes);
  bool hashing() const { return digests_.size() < points_.size(); }

  io::File& file_;
  std::uint64_t size_;
  std::vector<std::uint64_t> points_;
  io::OnProgress progress_;
  std::vector<std::byte> buffer_;
  std::uint64_t start_ = 0;   // file offset of the first byte in the buffer
  std::size_t filled_ = 0;    // bytes in the buffer
  std::size_t step_ = 0;      // of the read before
  std::uint64_t hashed_ = 0;  // file offset up to which the digest goes
  std::uint64_t reported_ = 0;
  base::Xxh128 hasher_;
  std::vector<std::string> digests_;
};

}  // namespace filestorage
