// Every recorded conversation with us as the client. Where the original program did poorly, the table says
// what ours does instead.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <variant>

#include "support/conversation.h"
#include "support/errors.h"
#include "support/loopback.h"
#include "zeo/pack.h"
#include "zeo/posix_network.h"

namespace {

using base::ErrorKind;
using support::Conversation;
using support::FakeNetwork;

struct Packed {
  std::uint64_t before = 0, after = 0;
};
struct Refused {
  ErrorKind kind;
  std::string part;  // of the message
};

struct Expected {
  std::variant<Packed, Refused> outcome;
  std::string storage = "1";
};

const Refused kNoStorage = {ErrorKind::not_found, "the server has no storage of this name"};
const Refused kReadOnly = {ErrorKind::unsupported, "the storage is read-only (ReadOnlyError)"};
const Refused kClosed = {ErrorKind::io, "the server closed the connection"};

const std::map<std::string, Expected> kExpected = {
    {"dead-zeo6", {kClosed}},
    {"dies-in-pack-zeo6", {Refused{ErrorKind::io, "pack storage '1' at"}}},
    {"silent-zeo310", {Refused{ErrorKind::io, "no word from the server"}}},
    {"silent-zeo6", {Refused{ErrorKind::io, "no word from the server"}}},
    {"unknown-protocol-zeo6", {Refused{ErrorKind::unsupported, "announces the protocol 'Z9'"}}},
    // The recorded client knew a password; we stop where it is asked for.
    {"zeo310-auth-digest",
     {Refused{ErrorKind::unsupported, "the server wants a password (authentication protocol 'digest')"}}},
    {"zeo310-auth-zeopack", {Refused{ErrorKind::unsupported, "the server wants a password"}}},
    {"zeo310-days", {Packed{8333, 7431}}},
    {"zeo310-pack-fails",
     {Refused{ErrorKind::corrupt, "object ...0007 is referred to, but missing (KeyError)"}}},
    {"zeo310-read-only-storage", {kReadOnly}},
    // The recorded client did not speak the server's protocol. We do, so that the server would have had
    // something to answer, but nothing of the sort was recorded: it ends with the first question.
    {"zeo310-server-zeo6-client", {kClosed}},
    {"zeo6-server-zeo310-client", {kClosed}},
    {"zeo310-wrong-name", {kNoStorage, "nosuch"}},
    {"zeo310", {Packed{8333, 7431}}},
    {"zeo4-server-zeo310-client", {Packed{8298, 7369}}},
    {"zeo4-server-zeo4-client", {Packed{8298, 7369}}},
    {"zeo5-server-zeo5-client", {Packed{8814, 7865}}},
    {"zeo5-server-zeo6-client", {Packed{8814, 7865}}},
    {"zeo6-days", {Packed{8814, 7865}}},
    {"zeo6-msgpack", {Packed{8814, 7865}}},
    {"zeo6-named", {Packed{8814, 7865}, "school"}},
    {"zeo6-no-gc", {Packed{3192, 2351}}},
    {"zeo6-pack-fails-msgpack",
     {Refused{ErrorKind::corrupt, "object 0000000000000007 is referred to, but missing (KeyError)"}}},
    {"zeo6-pack-fails",
     {Refused{ErrorKind::corrupt, "object 0000000000000007 is referred to, but missing (KeyError)"}}},
    {"zeo6-pickle", {Packed{8814, 7865}}},
    {"zeo6-read-only-server", {Packed{8814, 7865}}},
    {"zeo6-read-only-storage", {kReadOnly}},
    {"zeo6-server-zeo5-client", {Packed{8814, 7865}}},
    {"zeo6-two", {Packed{8814, 7865}}},
    {"zeo6-unix", {Packed{8814, 7865}}},
    {"zeo6-wrong-name-msgpack", {kNoStorage, "nosuch"}},
    {"zeo6-wrong-name", {kNoStorage, "nosuch"}},
};

void expect_outcome(const std::string& name, zeo::Network& network, zeo::PackRequest request) {
  const Expected& expected = kExpected.at(name);
  request.server.storage = expected.storage;
  request.time = 1795422490.51;
  if (const auto* refused = std::get_if<Refused>(&expected.outcome)) {
    EXPECT_TRUE(support::fails_with(
        refused->kind, [&] { zeo::pack_server(network, request); }, refused->part));
    return;
  }
  const Packed& packed = std::get<Packed>(expected.outcome);
  const zeo::PackResult result = zeo::pack_server(network, request);
  EXPECT_EQ(result.size_before, packed.before);
  EXPECT_EQ(result.size_after, packed.after);
}

TEST(Recorded, ThereIsAnExpectationForEveryConversation) {
  std::vector<std::string> names;
  for (const auto& [name, expected] : kExpected) names.push_back(name);
  EXPECT_EQ(names, support::conversation_names());
  EXPECT_EQ(names.size(), 32U);
}

class RecordedConversation : public testing::TestWithParam<std::string> {
 protected:
  Conversation conversation_ = support::read_conversation(GetParam());
  std::unique_ptr<support::FakeServer> server(std::size_t connection) const {
    return std::make_unique<support::RecordedServer>(conversation_.used(connection));
  }
};

TEST_P(RecordedConversation, EndsAsExpected) {
  FakeNetwork network(support::always([&] { return server(0); }));
  expect_outcome(GetParam(), network, {{zeo::Address::tcp("127.0.0.1", 8100)}});
}

TEST_P(RecordedConversation, EndsTheSameByteByByte) {
  FakeNetwork network(support::always([&] { return server(0); }), 1);
  expect_outcome(GetParam(), network, {{zeo::Address::tcp("127.0.0.1", 8100)}});
}

TEST_P(RecordedConversation, EndsTheSameOverSockets) {
  const auto network = zeo::make_posix_network();
  for (const auto family :
       {support::Loopback::ipv4, support::Loopback::ipv6, support::Loopback::unix_socket}) {
    if (!support::has_loopback(family)) continue;
    support::LoopbackServer loopback(family, [&] { return server(0); });
    zeo::PackRequest request = {{loopback.address()}};
    // The silent ones would otherwise take half a minute to be given up.
    if (GetParam().starts_with("silent")) request.timeout_ms = 50;
    expect_outcome(GetParam(), *network, request);
  }
}

// The server's half cut off at every byte is never a success, and never anything but an Error.
TEST_P(RecordedConversation, CutAnywhereIsAnError) {
  if (std::holds_alternative<Refused>(kExpected.at(GetParam()).outcome)) return;
  // All that the server says up to the reply to pack: what comes after it is not needed.
  std::string words;
  const auto& frames = conversation_.used(0);
  std::size_t last_reply = 0;
  for (std::size_t i = 0; i < frames.size(); ++i)
    if (frames[i].from_server && !frames[i].closes) last_reply = i;
  for (std::size_t i = 0; i <= last_reply; ++i)
    if (frames[i].from_server) words += base::as_text(zeo::framed(base::as_bytes(frames[i].body)));
  for (std::size_t length = 0; length < words.size(); ++length) {
    FakeNetwork network(support::always([&] {
      return std::make_unique<support::Speaker>(words.substr(0, length), support::Speaker::Then::close);
    }));
    zeo::PackRequest request = {{zeo::Address::tcp("127.0.0.1", 8100), kExpected.at(GetParam()).storage}};
    EXPECT_THROW(zeo::pack_server(network, request), base::Error) << length << " bytes";
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Zeo, RecordedConversation, testing::ValuesIn(support::conversation_names()),
                         test_name);

TEST(Recorded, BothPacksOfOneStorageAreUnderstood) {
  const Conversation conversation = support::read_conversation("zeo6-two");
  std::size_t connections = 0;
  FakeNetwork network(support::always(
      [&] { return std::make_unique<support::RecordedServer>(conversation.used(connections++)); }));
  const zeo::PackRequest request = {{zeo::Address::tcp("127.0.0.1", 8100)}};
  EXPECT_EQ(zeo::pack_server(network, request).size_before, 8814U);
  const zeo::PackResult second = zeo::pack_server(network, request);
  EXPECT_EQ(second.size_before, 7865U);
  EXPECT_EQ(second.size_after, 7865U);
}

}  // namespace
