// Messages in a stream of bytes: a length of 4 bytes, big-endian, then that many bytes. For example "Z5":
//
//   00 00 00 02  5a 35
//
// Up to ZEO 4 the top bit of the length says that a signature of 20 bytes comes first. Only servers that want
// a password set it, and those we do not speak with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace zeo {

// The longest message that is passed over: an invalidation of ten million objects.
inline constexpr std::uint32_t kLongestFrame = 256U << 20;
// Of a longer message only the beginning is kept; all that we need to read is far smaller.
inline constexpr std::size_t kKeptOfFrame = std::size_t{1} << 20;

struct Frame {
  std::uint32_t length = 0;
  std::vector<std::byte> body;  // the first kKeptOfFrame bytes
  bool is_whole() const { return body.size() == length; }
};

// The message with its length in front. Error(usage) if it is longer than kLongestFrame.
std::vector<std::byte> framed(base::ByteSpan message);

// Cuts a stream into messages, holding kKeptOfFrame bytes and what was fed last at the most.
class FrameReader {
 public:
  // The bytes that came next, in pieces of any size. Call next() until it is empty before feeding more.
  void feed(base::ByteSpan bytes);
  // The next complete message, if it has come. Error(protocol) for a length beyond `longest` and for a signed
  // message; the stream cannot be followed any further then.
  std::optional<Frame> next(std::uint32_t longest = kLongestFrame);
  // Whether the stream stands between two messages.
  bool is_between() const { return fed_.size() == used_ && header_.empty() && !in_body_; }

 private:
  bool take_header(std::uint32_t longest);
  base::ByteSpan rest() const { return base::ByteSpan(fed_).subspan(used_); }

  std::vector<std::byte> fed_;
  std::size_t used_ = 0;  // of fed_
  std::vector<std::byte> header_;
  bool in_body_ = false;
  Frame frame_;
  std::uint32_t missing_ = 0;  // bytes of the body that have not come
};

}  // namespace zeo
