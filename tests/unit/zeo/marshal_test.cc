#include "zeo/marshal.h"

#include <gtest/gtest.h>

#include "support/conversation.h"
#include "support/errors.h"

namespace {

using namespace std::string_literals;
using base::ErrorKind;
using zeo::Encoding;

constexpr Encoding kAll[] = {Encoding::old_pickle, Encoding::pickle, Encoding::msgpack};

std::string request(Encoding encoding, std::int64_t id, const std::string& method,
                    const std::vector<zeo::Argument>& arguments = {}) {
  return std::string(base::as_text(zeo::encode_request(encoding, id, method, arguments)));
}

TEST(Marshal, RequestsAreThoseOfThe310ClientByteForByte) {
  const auto frames = support::read_conversation("zeo310").used(0);
  std::vector<std::string> sent;
  for (const auto& frame : frames)
    if (!frame.from_server && !frame.closes && !frame.is_handshake) sent.push_back(frame.body);
  ASSERT_EQ(sent.size(), 5U);
  EXPECT_EQ(sent[0], request(Encoding::old_pickle, 0, "getAuthProtocol"));
  EXPECT_EQ(sent[1], request(Encoding::old_pickle, 1, "register", {"1"s, std::int64_t{1}}));
  EXPECT_EQ(sent[2], request(Encoding::old_pickle, 2, "lastTransaction"));
  EXPECT_EQ(sent[3], request(Encoding::old_pickle, 3, "get_info"));
  const zeo::Message pack = zeo::decode(Encoding::old_pickle, base::as_bytes(sent[4]));
  const double time = pack.values.at(pack.values.at(pack.content).items[0]).number;
  EXPECT_EQ(sent[4], request(Encoding::old_pickle, 4, "pack", {time, true}));
}

TEST(Marshal, RequestsInMsgpackAreThoseOfTheZeo6Client) {
  const auto frames = support::read_conversation("zeo6-msgpack").used(0);
  std::vector<std::string> sent;
  for (const auto& frame : frames)
    if (!frame.from_server && !frame.closes && !frame.is_handshake) sent.push_back(frame.body);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0], request(Encoding::msgpack, 1, "register", {"1"s, std::int64_t{1}}));
  EXPECT_EQ(sent[1], request(Encoding::msgpack, 2, "get_info"));
  const zeo::Message pack = zeo::decode(Encoding::msgpack, base::as_bytes(sent[2]));
  const double time = pack.values.at(pack.values.at(pack.content).items[0]).number;
  EXPECT_EQ(sent[2], request(Encoding::msgpack, 3, "pack", {time, true}));
}

// A server in Python 3 reads no bytes beyond ASCII as text; one in Python 2 has bytes for its names.
TEST(Marshal, NamesBeyondAsciiAreBytesForOldServersOnly) {
  const std::string name = "sch\xc3\xbcler";
  const auto registered = [&](Encoding encoding) { return request(encoding, 1, "register", {name}); };
  EXPECT_EQ(registered(Encoding::old_pickle), "(K\1I00\nU\x8register(U\x8" + name + "tt.");
  EXPECT_EQ(registered(Encoding::pickle), "(K\1I00\nU\x8register(X\x8\0\0\0"s + name + "tt.");
  EXPECT_EQ(request(Encoding::pickle, 1, "pack", {"school"s}),
            request(Encoding::old_pickle, 1, "pack", {"school"s}));
}

TEST(Marshal, KeepAliveIsThatOf310) {
  EXPECT_EQ(base::as_text(zeo::encode_keep_alive(Encoding::pickle)), "(J\xff\xff\xff\xffK\0U\x06.replyNt."s);
  EXPECT_EQ(base::as_text(zeo::encode_keep_alive(Encoding::msgpack)), "\x94\xff\0\xa6.reply\xc0"s);
}

TEST(Marshal, ReadsWhatItWrites) {
  for (const Encoding encoding : kAll) {
    const std::string name(255, 'n');
    const auto bytes = zeo::encode_request(encoding, 300, name, {"x"s, std::int64_t{-5}, 2.5, false});
    const zeo::Message message = zeo::decode(encoding, bytes);
    EXPECT_EQ(message.head.id, 300);
    EXPECT_EQ(message.head.flag, 0);
    EXPECT_EQ(message.head.method, name);
    EXPECT_EQ(zeo::describe(message.values, message.content), "'x', -5, 2.5, no");
  }
}

TEST(Marshal, RefusesNamesThatDoNotFit) {
  for (const Encoding encoding : kAll) {
    EXPECT_TRUE(support::fails_with(ErrorKind::usage, [&] { request(encoding, 1, std::string(256, 'n')); }));
    EXPECT_TRUE(
        support::fails_with(ErrorKind::usage, [&] { request(encoding, std::int64_t{1} << 31, "x"); }));
  }
}

TEST(Marshal, UnderstandsEveryRecordedMessage) {
  int count = 0;
  for (const std::string& name : support::conversation_names()) {
    const auto conversation = support::read_conversation(name);
    for (const auto& [number, frames] : conversation.connections) {
      const Encoding encoding = support::encoding_of(frames);
      for (const auto& frame : frames) {
        if (frame.closes || frame.is_handshake) continue;
        // A signature of 20 bytes stands in front.
        const base::ByteSpan bytes = base::as_bytes(frame.body).subspan(frame.is_signed ? 20 : 0);
        const zeo::Message message = zeo::decode(encoding, bytes);
        EXPECT_EQ(message.head.is_reply() || message.head.method == "info", frame.from_server) << name;
        EXPECT_FALSE(zeo::describe(message.values, message.content).empty() && message.head.is_reply())
            << name;
        ++count;
      }
    }
  }
  EXPECT_GT(count, 300);
}

// Every prefix of a message is an error, but for its head, which can be read before the rest has come.
TEST(Marshal, EveryTruncationIsAProtocolError) {
  for (const std::string& name :
       {"zeo310-wrong-name"s, "zeo310"s, "zeo6-pickle"s, "zeo6-msgpack"s, "dies-in-pack-zeo6"s}) {
    const auto frames = support::read_conversation(name).used(0);
    const Encoding encoding = support::encoding_of(frames);
    for (const auto& frame : frames) {
      if (frame.closes || frame.is_handshake) continue;
      const base::ByteSpan bytes = base::as_bytes(frame.body);
      for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_TRUE(
            support::fails_with(ErrorKind::protocol, [&] { zeo::decode(encoding, bytes.first(length)); }))
            << name << " " << length;
      }
      std::string longer = frame.body + "x";
      EXPECT_TRUE(support::fails_with(
          ErrorKind::protocol, [&] { zeo::decode(encoding, base::as_bytes(longer)); },
          "bytes behind its end"));
    }
  }
}

TEST(Marshal, TheHeadNeedsNothingBehindIt) {
  const std::string whole = "(K\0I01\nU\x15invalidateTransaction"s;
  const zeo::MessageHead head = zeo::decode_head(Encoding::pickle, base::as_bytes(whole));
  EXPECT_EQ(head.id, 0);
  EXPECT_EQ(head.flag, 1);
  EXPECT_EQ(head.method, "invalidateTransaction");
  const zeo::MessageHead packed =
      zeo::decode_head(Encoding::msgpack, base::as_bytes("\x94\0\xc3\xa4info\xc1"s));
  EXPECT_EQ(packed.method, "info");
  EXPECT_EQ(packed.flag, 1);
}

TEST(Marshal, RefusesWhatIsNoMessage) {
  const std::pair<Encoding, std::string> cases[] = {
      {Encoding::pickle, "N."},                           // no list
      {Encoding::pickle, "(K\1K\0U\1xt."s},               // three
      {Encoding::pickle, "(K\1K\0U\1xNNt."s},             // five
      {Encoding::pickle, "(U\1aK\0U\1xNt."s},             // its number is a text
      {Encoding::pickle, "(K\1NU\1xNt."s},                // its flag is none
      {Encoding::pickle, "(K\1K\0K\2Nt."s},               // its name is a number
      {Encoding::msgpack, "\xc0"},                        // no list
      {Encoding::msgpack, "\x93\1\0\xa1x"s},              // three
      {Encoding::msgpack, "\x95\1\0\xa1x\xc0\xc0"s},      // five
      {Encoding::msgpack, "\x94\xa1x\0\xa1x\xc0"s},       // its number is a text
      {Encoding::msgpack, "\x84\1\0\xa1x\xc0\1\1\1\1"s},  // a mapping
  };
  for (const auto& [encoding, text] : cases) {
    EXPECT_TRUE(support::fails_with(ErrorKind::protocol, [&] {
      zeo::decode(encoding, base::as_bytes(text));
    })) << base::to_hex(base::as_bytes(text));
  }
}

}  // namespace
