#include "zeo/framing.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "zeo/nonsense.h"

namespace zeo {
namespace {

constexpr std::size_t kHeader = 4;
constexpr std::uint32_t kSigned = 0x80000000U;

}  // namespace

std::vector<std::byte> framed(base::ByteSpan message) {
  if (message.size() > kLongestFrame)
    throw base::Error(base::ErrorKind::usage, "", "",
                      "a message of " + std::to_string(message.size()) + " bytes");
  std::vector<std::byte> bytes(kHeader + message.size());
  base::store_be(bytes.data(), static_cast<std::uint32_t>(message.size()));
  std::copy(message.begin(), message.end(), bytes.begin() + kHeader);
  return bytes;
}

void FrameReader::feed(base::ByteSpan bytes) {
  fed_.erase(fed_.begin(), fed_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ = 0;
  fed_.insert(fed_.end(), bytes.begin(), bytes.end());
}

bool FrameReader::take_header(std::uint32_t longest) {
  const std::size_t count = std::min(kHeader - header_.size(), rest().size());
  header_.insert(header_.end(), rest().begin(), rest().begin() + static_cast<std::ptrdiff_t>(count));
  used_ += count;
  if (header_.size() < kHeader) return false;
  const auto length = base::load_be<std::uint32_t>(header_.data());
  if (length > longest && (length & kSigned) != 0 && (length & ~kSigned) <= longest)
    nonsense("it signs its messages, although nobody has logged in");
  if (length > longest) nonsense("it announces a message of " + std::to_string(length) + " bytes");
  header_.clear();
  in_body_ = true;
  frame_ = Frame{length, {}};
  missing_ = length;
  return true;
}

std::optional<Frame> FrameReader::next(std::uint32_t longest) {
  if (!in_body_ && !take_header(longest)) return std::nullopt;
  const base::ByteSpan came = rest().first(std::min<std::size_t>(rest().size(), missing_));
  const base::ByteSpan kept = came.first(std::min(came.size(), kKeptOfFrame - frame_.body.size()));
  frame_.body.insert(frame_.body.end(), kept.begin(), kept.end());
  used_ += came.size();
  missing_ -= static_cast<std::uint32_t>(came.size());
  if (missing_ > 0) return std::nullopt;
  in_body_ = false;
  return std::exchange(frame_, Frame{});
}

}  // namespace zeo
