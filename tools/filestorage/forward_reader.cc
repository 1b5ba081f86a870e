#include "filestorage/forward_reader.h"

#include <algorithm>
#include <cstring>

namespace filestorage {

namespace {

constexpr std::size_t kLargest =
    512 * 1024;  // a read: fits the second-level cache of a core, and feeds a disk
constexpr std::size_t kSmallest = 4 * 1024;   // behind a gap
constexpr std::uint64_t kGap = 32 * 1024;     // from here on skipping is cheaper than reading on
constexpr std::size_t kUsual = 2 * kLargest;  // of the buffer
constexpr std::size_t kKept = 4 << 20;        // one that a large record made larger than this is given back

}  // namespace

const std::byte* ForwardReader::refill(std::uint64_t offset, std::uint64_t length) {
  if (length > end_ || offset > end_ - length) return nullptr;
  const std::uint64_t filled_to = start_ + filled_;
  const bool inside = offset >= start_ && offset <= filled_to;
  const bool gap = !inside && (offset < start_ || offset - filled_to >= kGap);
  step_ = gap ? kSmallest : std::min(kLargest, std::max(kSmallest, step_ * 2));
  const std::size_t carried = inside ? static_cast<std::size_t>(filled_to - offset) : 0;
  const std::size_t wanted = std::max(static_cast<std::size_t>(length), carried + step_);
  if (capacity_ < wanted || (capacity_ > kKept && wanted <= kKept)) {
    const std::size_t capacity = std::max(wanted, end_ < kUsual ? static_cast<std::size_t>(end_) : kUsual);
    auto other = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (carried > 0) std::memcpy(other.get(), buffer_.get() + (offset - start_), carried);
    buffer_ = std::move(other);
    capacity_ = capacity;
  } else if (carried > 0) {
    std::memmove(buffer_.get(), buffer_.get() + (offset - start_), carried);
  }
  start_ = offset;
  filled_ = carried;
  while (filled_ < length) {
    const std::uint64_t room = std::min<std::uint64_t>(wanted - filled_, end_ - offset - filled_);
    const std::size_t got =
        file_.read_some(offset + filled_, {buffer_.get() + filled_, static_cast<std::size_t>(room)});
    if (got == 0) return nullptr;
    filled_ += got;
  }
  return buffer_.get();
}

}  // namespace filestorage
