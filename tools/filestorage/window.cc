#include "filestorage/window.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace filestorage {

namespace {

constexpr std::size_t kLargest =
    512 * 1024;  // a read: fits the second-level cache of a core, and feeds a disk
constexpr std::size_t kSmallest = 4 * 1024;  // behind a gap
constexpr std::size_t kCarried = 64;         // the most that at() may be asked for
constexpr std::uint64_t kGap = 32 * 1024;    // from here on skipping is cheaper than reading on
constexpr std::uint64_t kProgressStep = 8 << 20;

}  // namespace

Window::Window(io::File& file, std::uint64_t size, std::vector<std::uint64_t> digest_points,
               io::OnProgress progress)
    : file_(file), size_(size), points_(std::move(digest_points)), progress_(std::move(progress)) {
  buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size, kLargest)) + kCarried);
  hash({});
}

// Puts the bytes at the head of the buffer, after those of it that are there already.
const std::byte* Window::refill(std::uint64_t offset, std::size_t length) {
  if (length > size_ || offset > size_ - length) return nullptr;
  std::uint64_t end = start_ + filled_;
  bool skipped = false;
  while (hashing() && end < offset) {
    start_ = end;
    filled_ = 0;
    if (append(kLargest) == 0) return nullptr;
    end = start_ + filled_;
  }
  if (offset >= start_ && offset < end) {
    filled_ = static_cast<std::size_t>(end - offset);
    std::memmove(buffer_.data(), buffer_.data() + (offset - start_), filled_);
  } else {
    skipped = offset < start_ || offset - end >= kGap;
    filled_ = 0;
  }
  start_ = offset;
  step_ = skipped ? kSmallest : std::min(kLargest, std::max(kSmallest, step_ * 2));
  while (filled_ < length) {
    if (append(hashing() ? kLargest : step_) == 0) return nullptr;
  }
  return buffer_.data();
}

// Reads behind what is there: at most `wanted` bytes, and 0 only at the end of the file.
std::size_t Window::append(std::size_t wanted) {
  const std::uint64_t offset = start_ + filled_;
  const std::uint64_t room = std::min<std::uint64_t>(buffer_.size() - filled_, size_ - offset);
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, room));
  const std::span<std::byte> target(buffer_.data() + filled_, length);
  const std::size_t got = length == 0 ? 0 : file_.read_some(offset, target);
  if (got == 0) {
    size_ = std::min(size_, offset);
    return 0;
  }
  if (hashing()) hash(target.first(got));
  filled_ += got;
  const std::uint64_t end = offset + got;
  if (progress_ && end - reported_ >= kProgressStep) {
    reported_ = end;
    progress_(end);
  }
  return got;
}

void Window::hash(base::ByteSpan bytes) {
  while (hashing()) {
    const std::uint64_t before_point = points_[digests_.size()] - hashed_;
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(before_point, bytes.size()));
    hasher_.update(bytes.first(part));
    hashed_ += part;
    bytes = bytes.subspan(part);
    if (part < before_point) return;
    digests_.push_back(hasher_.hex());
  }
}

std::vector<std::string> Window::finish() {
  while (hashing()) {
    start_ += filled_;
    filled_ = 0;
    if (append(kLargest) == 0) {
      throw base::Error(base::ErrorKind::corrupt, "read", file_.path(), "the file is shorter than expected");
    }
  }
  return digests_;
}

}  // namespace filestorage
