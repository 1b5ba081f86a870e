#include "zeo/framing.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace {

using base::ErrorKind;
using zeo::FrameReader;

std::string text_of(const std::optional<zeo::Frame>& frame) {
  return frame ? std::string(base::as_text(frame->body)) : "nothing";
}

std::string frame(std::string_view message) {
  return std::string(base::as_text(zeo::framed(base::as_bytes(message))));
}

TEST(Framing, PutsTheLengthInFront) {
  using namespace std::string_literals;
  EXPECT_EQ(frame("Z5"), "\0\0\0\2Z5"s);
  EXPECT_EQ(frame(""), "\0\0\0\0"s);
  EXPECT_EQ(frame(std::string(0x10203, 'x')).substr(0, 4), "\0\1\2\3"s);
}

TEST(Framing, CutsAStreamWhereverItIsSplit) {
  const std::string stream = frame("Z5") + frame("") + frame("a message");
  for (std::size_t split = 0; split <= stream.size(); ++split) {
    FrameReader reader;
    std::vector<std::string> got;
    for (const std::string& piece : {stream.substr(0, split), stream.substr(split)}) {
      reader.feed(base::as_bytes(piece));
      while (const auto next = reader.next()) got.push_back(text_of(next));
    }
    EXPECT_EQ(got, (std::vector<std::string>{"Z5", "", "a message"})) << split;
    EXPECT_TRUE(reader.is_between());
  }
}

TEST(Framing, KnowsAMessageThatHasNotEnded) {
  const std::string stream = frame("a message");
  for (std::size_t length = 1; length < stream.size(); ++length) {
    FrameReader reader;
    reader.feed(base::as_bytes(stream).first(length));
    EXPECT_EQ(reader.next(), std::nullopt) << length;
    EXPECT_FALSE(reader.is_between()) << length;
  }
}

TEST(Framing, RefusesALengthBeyondTheLimit) {
  using namespace std::string_literals;
  for (const std::string& header : {"\x10\0\0\1"s, "\x7f\xff\xff\xff"s, "\xff\xff\xff\xff"s, "HTTP"s}) {
    FrameReader reader;
    reader.feed(base::as_bytes(header));
    EXPECT_TRUE(support::fails_with(
        ErrorKind::protocol, [&] { reader.next(); }, "announces a message of"));
  }
  FrameReader reader;
  reader.feed(base::as_bytes("\0\0\0\5"s));
  EXPECT_TRUE(support::fails_with(
      ErrorKind::protocol, [&] { reader.next(4); }, "a message of 5 bytes"));
}

TEST(Framing, KnowsASignedMessage) {
  using namespace std::string_literals;
  FrameReader reader;
  reader.feed(base::as_bytes("\x80\0\0\x10"s));
  EXPECT_TRUE(support::fails_with(
      ErrorKind::protocol, [&] { reader.next(); }, "signs its messages"));
}

TEST(Framing, KeepsOnlyTheBeginningOfALongMessage) {
  const std::size_t length = zeo::kKeptOfFrame * 3;
  const std::string stream = frame(std::string(length, 'x')) + frame("next");
  FrameReader reader;
  std::vector<zeo::Frame> got;
  for (std::size_t at = 0; at < stream.size(); at += 65536) {
    reader.feed(base::as_bytes(stream.substr(at, 65536)));
    while (const auto next = reader.next()) got.push_back(*next);
  }
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].length, length);
  EXPECT_EQ(got[0].body.size(), zeo::kKeptOfFrame);
  EXPECT_FALSE(got[0].is_whole());
  EXPECT_EQ(text_of(got[1]), "next");
  EXPECT_TRUE(got[1].is_whole());
}

TEST(Framing, RefusesToSendWhatNobodyWouldRead) {
  const std::vector<std::byte> message(std::size_t{zeo::kLongestFrame} + 1);
  EXPECT_TRUE(support::fails_with(ErrorKind::usage, [&] { zeo::framed(message); }));
}

}  // namespace
