#include "repozo/md5_thread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace {

using base::as_bytes;
using repozo::Md5Thread;

std::string plain_md5(std::string_view text) {
  base::Md5 md5;
  md5.update(as_bytes(text));
  return md5.hex();
}

// Many more bytes than its buffers hold, so that each is used again.
TEST(Md5Thread, SumsTheBytesInTheirOrder) {
  std::string text;
  for (unsigned at = 0; text.size() < Md5Thread::kBuffer * (Md5Thread::kBuffers * 3 + 1); ++at) {
    text += std::to_string(at);
  }
  Md5Thread copied, filled;
  copied.update(as_bytes(text));
  EXPECT_EQ(copied.finish(), plain_md5(text));
  for (std::size_t at = 0; at < text.size();) {
    const std::span<std::byte> buffer = filled.buffer();
    const std::size_t part = std::min({buffer.size(), text.size() - at, std::size_t{700'001}});
    std::copy_n(as_bytes(text).begin() + static_cast<std::ptrdiff_t>(at), part, buffer.begin());
    filled.submit(part);
    at += part;
  }
  EXPECT_EQ(filled.finish(), plain_md5(text));
}

TEST(Md5Thread, OfNothingIsThatOfNothing) {
  EXPECT_EQ(Md5Thread().finish(), plain_md5(""));
}

TEST(Md5Thread, GoesOnAfterItWasAsked) {
  Md5Thread md5;
  md5.update(as_bytes("a"));
  EXPECT_EQ(md5.finish(), plain_md5("a"));
  md5.update(as_bytes("b"));
  EXPECT_EQ(md5.finish(), plain_md5("ab"));
}

// An error elsewhere: what is under way is dropped.
TEST(Md5Thread, MayBeLeftInTheMiddle) {
  Md5Thread md5;
  for (std::size_t at = 0; at < Md5Thread::kBuffers; ++at) {
    md5.buffer();
    md5.submit(Md5Thread::kBuffer);
  }
}

}  // namespace
