#include "zeo/client.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "support/errors.h"
#include "support/fake_network.h"
#include "zeo/pack.h"

namespace {

using namespace std::string_literals;
using base::ErrorKind;
using support::FakeNetwork;
using support::Speaker;

const zeo::Address kAddress = zeo::Address::tcp("127.0.0.1", 8100);

std::string frame(std::string_view message) {
  return std::string(base::as_text(zeo::framed(base::as_bytes(message))));
}
std::string reply(char id, std::string_view value) {
  return frame("(K" + std::string(1, id) + "K\0U\6.reply"s + std::string(value) + "t.");
}
std::string one_way(std::string_view method, std::string_view arguments) {
  return frame("(K\0I01\nU"s + static_cast<char>(method.size()) + std::string(method) +
               std::string(arguments) + "t.");
}
const std::string kHello = frame("Z5");
const std::string kOpened = kHello + reply(1, "N");
const std::string kReady = kOpened + reply(2, "}(U\4sizeM\xe8\3U\6lengthK\7u");

// A server that has said all this before it is asked; what it heard is in `heard`.
struct Scripted {
  explicit Scripted(std::string words, Speaker::Then then = Speaker::Then::silent)
      : network([this, words, then](const zeo::Address&) {
          auto server = std::make_unique<Recorder>(words, then, heard);
          return server;
        }) {}

  struct Recorder : Speaker {
    Recorder(const std::string& words, Then then, std::string& all) : Speaker(words, then), all_(all) {}
    void received(base::ByteSpan bytes, support::Wire&) override { all_ += base::as_text(bytes); }
    std::string& all_;
  };

  zeo::PackResult pack(const zeo::PackRequest& request = {{kAddress}}) {
    return zeo::pack_server(network, request);
  }

  std::string heard;
  FakeNetwork network;
};

testing::AssertionResult pack_fails(const std::string& words, ErrorKind kind, std::string_view part) {
  Scripted server(words);
  return support::fails_with(
      kind, [&] { server.pack(); }, part);
}

TEST(Client, PacksAndTellsTheSizes) {
  Scripted server(kReady + one_way("info", "(}(U\4sizeM\xf4\1ut") + reply(3, "N"));
  const zeo::PackResult result = server.pack();
  EXPECT_EQ(result.size_before, 1000U);
  EXPECT_EQ(result.size_after, 500U);
  EXPECT_TRUE(server.heard.starts_with(kHello));
}

TEST(Client, AsksForTheSizeAfterwards) {
  Scripted server(kReady + reply(3, "N") + reply(4, "}U\4sizeK\x07s"));
  EXPECT_EQ(server.pack().size_after, 7U);
}

TEST(Client, HasPackedAlthoughTheServerThenGoesAway) {
  class Leaving : public Speaker {
   public:
    Leaving() : Speaker(kReady + reply(3, "N")) {}
    void received(base::ByteSpan bytes, support::Wire& wire) override {
      Speaker::received(bytes, wire);
      // The fourth question is the one behind the pack.
      if (heard.find("(K\4") != std::string::npos) wire.closed = true;
    }
  };
  FakeNetwork network(support::always([] { return std::make_unique<Leaving>(); }));
  const zeo::PackResult result = zeo::pack_server(network, {{kAddress}});
  EXPECT_EQ(result.size_before, 1000U);
  EXPECT_EQ(result.size_after, std::nullopt);
}

TEST(Client, PassesOverWhatIsNotItsReply) {
  const std::string others = one_way("invalidateTransaction", "(U\1xtt") + reply('\x63', "N") +
                             frame("(J\xff\xff\xff\xffK\0U\6.replyNt."s);
  // The argument list of the first is nonsense: nobody looks at it.
  Scripted server(kHello + others + reply(1, "N") + others + reply(2, "}U\4sizeK\x07s") + others +
                  reply(3, "N") + others);
  EXPECT_EQ(server.pack().size_before, 7U);
}

TEST(Client, PassesOverAnInvalidationOfAMillionObjects) {
  std::string huge = "(K\0I01\nU\x15invalidateTransaction("s;
  for (int i = 0; i < 1'000'000; ++i) huge += "U\1xq\1"s;
  Scripted server(kReady + frame(huge + "tt.") + reply(3, "N"));
  EXPECT_EQ(server.pack().size_before, 1000U);
}

TEST(Client, RefusesAReplyOfManyMegabytes) {
  EXPECT_TRUE(pack_fails(kOpened + reply(2, "X\0\0\x40\0"s + std::string(0x400000, 'x')), ErrorKind::protocol,
                         "ask about storage '1' at '127.0.0.1:8100': an answer of"));
}

TEST(Client, TellsWhatItAskedOfWhom) {
  EXPECT_TRUE(
      pack_fails(frame("hello"), ErrorKind::protocol, "speak with '127.0.0.1:8100': this is no ZEO server"));
  EXPECT_TRUE(pack_fails("SSH-2.0-OpenSSH_9.2\r\n", ErrorKind::protocol, "it begins with 'SSH-'"));
  EXPECT_TRUE(pack_fails("\x15\x03\x01\0\2\2\x28"s, ErrorKind::unsupported, "it speaks TLS"));
  EXPECT_TRUE(pack_fails(kHello + frame("x"), ErrorKind::protocol, "open storage '1' at '127.0.0.1:8100': "));
  EXPECT_TRUE(pack_fails(kHello + "\xff\xff\xff\xff", ErrorKind::protocol, "announces a message of"));
  EXPECT_TRUE(pack_fails(kHello + "\x80\0\0\x10"s, ErrorKind::protocol, "signs its messages"));
  EXPECT_TRUE(pack_fails(kReady + frame("(K\3K\2U\6.replyU\x0cm.ValueErrorU\2no\x85\x86t."), ErrorKind::io,
                         "pack storage '1' at '127.0.0.1:8100': the server answered 'ValueError': 'no'"));
}

// Such as an error in a form that nobody has seen yet.
TEST(Client, TakesNothingButNothingForTheAnswerToAPack) {
  EXPECT_TRUE(pack_fails(kReady + reply(3, "I00\n"), ErrorKind::protocol,
                         "pack storage '1' at '127.0.0.1:8100': it answered no"));
  EXPECT_TRUE(pack_fails(kReady + reply(3, "cbuiltins\nOSError\n(K\x1ctR"), ErrorKind::protocol, "OSError"));
}

TEST(Client, RefusesAServerThatWantsAPassword) {
  EXPECT_TRUE(pack_fails(frame("Z4") + reply(0, "U\6digest"), ErrorKind::unsupported,
                         "wants a password (authentication protocol 'digest')"));
}

// A server that is read-only refuses everything else.
TEST(Client, OpensStoragesReadOnly) {
  Scripted server(kReady + reply(3, "N"));
  server.pack();
  EXPECT_NE(server.heard.find("U\x08register(U\1"
                              "1K\1tt."),
            std::string::npos);
}

TEST(Client, DoesNotAskNewServersForAPassword) {
  Scripted server(kReady + reply(3, "N"));
  server.pack();
  EXPECT_EQ(server.heard.find("getAuthProtocol"), std::string::npos);
}

TEST(Client, GivesUpASilentServerInTime) {
  Scripted server("");
  zeo::PackRequest request = {{kAddress}};
  request.timeout_ms = 5000;
  const std::int64_t start = server.network.now_ms();
  EXPECT_TRUE(support::fails_with(
      ErrorKind::io, [&] { server.pack(request); }, "no word from the server within 5 s"));
  EXPECT_EQ(server.network.now_ms() - start, 5000);
}

TEST(Client, GivesUpAServerThatFallsSilentInTime) {
  Scripted server(kHello);
  zeo::PackRequest request = {{kAddress}};
  request.timeout_ms = 5000;
  const std::int64_t start = server.network.now_ms();
  EXPECT_TRUE(support::fails_with(
      ErrorKind::io, [&] { server.pack(request); }, "no answer from the server in time"));
  EXPECT_EQ(server.network.now_ms() - start, 5000);
}

// Bytes that trickle in do not prolong the time.
TEST(Client, GivesUpAServerThatTrickles) {
  class Trickling : public support::FakeServer {
   public:
    void received(base::ByteSpan, support::Wire&) override {}
    void connected(support::Wire& wire) override { wire.send(kHello + "\0\xff\xff\xff"s); }
    void waited(std::int64_t, support::Wire& wire) override { wire.send("x"); }
  };
  FakeNetwork network(support::always([] { return std::make_unique<Trickling>(); }));
  const std::int64_t start = network.now_ms();
  EXPECT_TRUE(support::fails_with(
      ErrorKind::io, [&] { zeo::pack_server(network, {{kAddress}}); }, "no answer from the server in time"));
  EXPECT_LE(network.now_ms() - start, 31'000);
}

TEST(Client, WaitsForAPackAsLongAsItTakesAndKeepsTheConnectionAlive) {
  class Slow : public Speaker {
   public:
    explicit Slow(std::string& all) : Speaker(kReady), all_(all) {}
    void received(base::ByteSpan bytes, support::Wire&) override { all_ += base::as_text(bytes); }
    void waited(std::int64_t now, support::Wire& wire) override {
      if (start_ == 0) start_ = now;
      if (now - start_ > 3'600'000) wire.send(reply(3, "N"));
    }

   private:
    std::int64_t start_ = 0;
    std::string& all_;
  };
  std::string heard;
  FakeNetwork network(support::always([&] { return std::make_unique<Slow>(heard); }));
  int calls = 0;
  zeo::PackRequest request = {{kAddress}};
  request.on_wait = [&] { ++calls; };
  const zeo::PackResult result = zeo::pack_server(network, request);
  EXPECT_NEAR(result.seconds, 3600, 40);
  EXPECT_NEAR(calls, 3600, 40);
  const std::string keep_alive = frame("(J\xff\xff\xff\xffK\0U\6.replyNt."s);
  int alive = 0;
  for (std::size_t at = heard.find(keep_alive); at != std::string::npos; at = heard.find(keep_alive, at + 1))
    ++alive;
  EXPECT_NEAR(alive, 120, 3);
}

TEST(Client, GivesUpAPackAfterItsOwnTime) {
  Scripted server(kReady);
  zeo::PackRequest request = {{kAddress}};
  request.pack_timeout_ms = 95'000;
  const std::int64_t start = server.network.now_ms();
  try {
    server.pack(request);
    FAIL() << "packed";
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find("no answer from the server in time"), std::string::npos);
    EXPECT_NE(error.hint().find("may have been packed or not"), std::string::npos);
  }
  EXPECT_EQ(server.network.now_ms() - start, 95'000);
}

TEST(Client, SaysThatABrokenPackMayBeDone) {
  FakeNetwork network(support::always([] {
    class Dying : public Speaker {
     public:
      Dying() : Speaker(kReady) {}
      void waited(std::int64_t, support::Wire& wire) override { wire.closed = true; }
    };
    return std::make_unique<Dying>();
  }));
  try {
    zeo::pack_server(network, {{kAddress}});
    FAIL() << "packed";
  } catch (const base::Error& error) {
    EXPECT_STREQ(error.what(), "pack storage '1' at '127.0.0.1:8100': the server closed the connection");
    EXPECT_NE(error.hint().find("may have been packed or not"), std::string::npos);
  }
}

TEST(Client, TellsARefusedConnectionFromTheRest) {
  FakeNetwork network([](const zeo::Address&) -> std::unique_ptr<support::FakeServer> {
    throw base::Error::from_errno("connect", "x", ECONNREFUSED);
  });
  bool connected = false;
  zeo::PackRequest request = {{kAddress}};
  request.on_connect = [&] { connected = true; };
  EXPECT_TRUE(support::fails_with(
      ErrorKind::io, [&] { zeo::pack_server(network, request); },
      "connect to '127.0.0.1:8100': Connection refused"));
  EXPECT_FALSE(connected);
}

// But for the question behind the pack, whose failure changes nothing.
TEST(Client, EveryFailingCallIsAnErrorThatNamesTheServer) {
  const std::string words = kReady + reply(3, "N") + reply(4, "}U\4sizeK\x07s");
  Scripted good(words);
  EXPECT_EQ(good.pack().size_after, 7U);
  int packed = 0;
  for (const int number : {ECONNRESET, EPIPE, EIO}) {
    for (int call = 1; call <= good.network.calls; ++call) {
      Scripted server(words);
      server.network.fails = call;
      server.network.fails_with = number;
      try {
        packed += server.pack().size_after == std::nullopt ? 1 : 0;
      } catch (const base::Error& error) {
        EXPECT_NE(std::string(error.what()).find(" '127.0.0.1:8100': "), std::string::npos) << error.what();
        EXPECT_EQ(error.kind(), ErrorKind::io);
        const bool gone = number != EIO && call > 1;  // the first is the connect
        EXPECT_EQ(error.reason() == "the server closed the connection", gone) << error.what();
      }
    }
  }
  EXPECT_EQ(packed, 3);
}

}  // namespace
