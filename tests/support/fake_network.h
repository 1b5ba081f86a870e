// A network without sockets: the servers are objects of the test, and time passes only while the client
// waits.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "zeo/network.h"

namespace support {

// What a server has sent and not yet delivered.
struct Wire {
  std::string bytes;
  bool closed = false;  // behind the bytes

  void send(std::string_view text) { bytes += text; }
  void send(base::ByteSpan span) { bytes += base::as_text(span); }
};

// The server's side of one connection.
class FakeServer {
 public:
  virtual ~FakeServer() = default;
  virtual void connected(Wire&) {}
  virtual void received(base::ByteSpan bytes, Wire& wire) = 0;
  // The client has waited until `now_ms` and nothing came.
  virtual void waited(std::int64_t /*now_ms*/, Wire&) {}
};

// Says its words at once, whatever it is told, and then closes or keeps silent.
class Speaker : public FakeServer {
 public:
  enum class Then { silent, close };
  explicit Speaker(std::string words, Then then = Then::silent) : words_(std::move(words)), then_(then) {}
  void connected(Wire& wire) override {
    wire.send(words_);
    wire.closed = then_ == Then::close;
  }
  void received(base::ByteSpan bytes, Wire&) override { heard += base::as_text(bytes); }
  std::string heard;

 private:
  std::string words_;
  Then then_;
};

class FakeNetwork : public zeo::Network {
 public:
  // Called for each connection; may throw base::Error to refuse it.
  using Accept = std::function<std::unique_ptr<FakeServer>(const zeo::Address&)>;
  // The client gets, and is relieved of, `piece` bytes at a time at the most.
  explicit FakeNetwork(Accept accept, std::size_t piece = std::size_t{1} << 20)
      : accept_(std::move(accept)), piece_(piece) {}

  std::unique_ptr<zeo::Connection> connect(const zeo::Address& address, zeo::Deadline deadline) override;
  std::int64_t now_ms() override { return now_; }
  std::string host_name() override { return "school"; }

  // How many connects, reads and writes there were; the one with the number `fails` (from 1) is an error.
  int calls = 0;
  int fails = 0;
  int fails_with = 0;  // errno

 private:
  friend class FakeConnection;
  void count_call();
  Accept accept_;
  std::size_t piece_;
  std::int64_t now_ = 1'000'000;
};

// One such server for every connection.
FakeNetwork::Accept always(const std::function<std::unique_ptr<FakeServer>()>& make);

}  // namespace support
