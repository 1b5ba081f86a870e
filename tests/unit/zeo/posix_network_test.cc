// Real sockets, all of them of this machine.
#include "zeo/posix_network.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <chrono>
#include <thread>

#include "io/unique_fd.h"
#include "support/errors.h"
#include "support/loopback.h"
#include "support/temp_dir.h"
#include "zeo/pack.h"

namespace {

using base::ErrorKind;
using support::Loopback;
using support::LoopbackServer;

TEST(PosixNetwork, FailsAtOnceWhereNobodyListens) {
  const auto network = zeo::make_posix_network();
  EXPECT_TRUE(support::fails_with(
      ErrorKind::io, [&] { network->connect(support::refused_address(), zeo::kNever); },
      "Connection refused"));
  EXPECT_TRUE(support::fails_with(
      ErrorKind::not_found, [&] { network->connect(zeo::Address::unix_socket("/no/such"), zeo::kNever); },
      "connect '/no/such': No such file or directory"));
}

TEST(PosixNetwork, RefusesAPathThatNoSocketCanHave) {
  const auto network = zeo::make_posix_network();
  const auto address = zeo::Address::unix_socket("/" + std::string(108, 'x'));
  EXPECT_TRUE(support::fails_with(
      ErrorKind::usage, [&] { network->connect(address, zeo::kNever); }, "too long"));
}

TEST(PosixNetwork, ANameThatDoesNotExistIsNotFound) {
  const auto network = zeo::make_posix_network();
  // No resolver is asked for what cannot be a name.
  const auto address = zeo::Address::tcp("not a name", 81);
  EXPECT_TRUE(support::fails_with(
      ErrorKind::not_found, [&] { network->connect(address, zeo::kNever); }, "look up"));
}

// localhost is ::1 first on most machines, where this server does not listen.
TEST(PosixNetwork, TriesEveryAddressOfAName) {
  LoopbackServer server(Loopback::ipv4, [] { return std::make_unique<support::Speaker>("hello"); });
  const auto network = zeo::make_posix_network();
  auto connection =
      network->connect(zeo::Address::tcp("localhost", server.address().port), network->now_ms() + 10'000);
  std::array<std::byte, 16> buffer;
  EXPECT_EQ(connection->read_some(buffer, network->now_ms() + 10'000), 5U);
}

TEST(PosixNetwork, ReadsWithADeadlineAndKnowsTheEnd) {
  LoopbackServer server(Loopback::ipv4, [] {
    return std::make_unique<support::Speaker>("hello", support::Speaker::Then::close);
  });
  LoopbackServer silent(Loopback::ipv4, [] { return std::make_unique<support::Speaker>(""); });
  const auto network = zeo::make_posix_network();
  std::array<std::byte, 16> buffer;
  auto connection = network->connect(server.address(), zeo::kNever);
  EXPECT_EQ(connection->read_some(buffer, zeo::kNever), 5U);
  EXPECT_EQ(connection->read_some(buffer, zeo::kNever), 0U);
  auto waiting = network->connect(silent.address(), zeo::kNever);
  const std::int64_t deadline = network->now_ms() + 30;
  EXPECT_EQ(waiting->read_some(buffer, deadline), std::nullopt);
  EXPECT_GE(network->now_ms(), deadline);
}

TEST(PosixNetwork, WritesToAClosedConnectionAreErrorsAndNoSignal) {
  LoopbackServer server(Loopback::unix_socket,
                        [] { return std::make_unique<support::Speaker>("", support::Speaker::Then::close); });
  const auto network = zeo::make_posix_network();
  auto connection = network->connect(server.address(), zeo::kNever);
  std::array<std::byte, 16> buffer;
  EXPECT_EQ(connection->read_some(buffer, zeo::kNever), 0U);
  EXPECT_TRUE(support::fails_with(ErrorKind::io, [&] {
    while (connection->write_some(base::as_bytes("x"), zeo::kNever)) continue;
  }));
}

TEST(PosixNetwork, AServerThatReadsNothingDoesNotHoldTheWriter) {
  // Connected, but never accepted: the bytes fill the socket's buffers and then wait.
  LoopbackServer busy(Loopback::unix_socket, [] { return std::make_unique<support::Speaker>(""); });
  const auto network = zeo::make_posix_network();
  auto first = network->connect(busy.address(), zeo::kNever);
  auto second = network->connect(busy.address(), zeo::kNever);
  const std::vector<std::byte> megabyte(1 << 20);
  std::size_t written = 0;
  for (;;) {
    const auto count = second->write_some(megabyte, network->now_ms() + 30);
    if (!count) break;
    written += *count;
    ASSERT_LT(written, std::size_t{1} << 30);
  }
}

// A Unix socket whose server accepts nobody until it is told to, and whose queue is full.
class FullQueue {
 public:
  FullQueue() {
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    path().copy(name.sun_path, sizeof name.sun_path - 1);
    const auto* address = reinterpret_cast<const sockaddr*>(&name);
    EXPECT_EQ(bind(listener_.get(), address, sizeof name), 0);
    EXPECT_EQ(listen(listener_.get(), 0), 0);
    EXPECT_EQ(connect(first_.get(), address, sizeof name), 0);
  }
  std::string path() const { return dir_ / "zeo.sock"; }
  void accept_one() { io::UniqueFd(accept(listener_.get(), nullptr, nullptr)); }

 private:
  support::TempDir dir_;
  io::UniqueFd listener_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  io::UniqueFd first_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

TEST(PosixNetwork, WaitsForABusyUnixSocketUntilTheDeadline) {
  FullQueue queue;
  const auto network = zeo::make_posix_network();
  const auto address = zeo::Address::unix_socket(queue.path());
  const std::int64_t deadline = network->now_ms() + 60;
  EXPECT_TRUE(support::fails_with(
      ErrorKind::io, [&] { network->connect(address, deadline); }, "timed out"));
  EXPECT_GE(network->now_ms(), deadline);
  std::thread server([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    queue.accept_one();
  });
  EXPECT_NO_THROW(network->connect(address, network->now_ms() + 20'000));
  server.join();
}

// The options are looked at on every socket of this process that is connected to the server's port.
TEST(PosixNetwork, NoticesAMachineThatVanishes) {
  LoopbackServer server(Loopback::ipv4, [] { return std::make_unique<support::Speaker>(""); });
  const auto network = zeo::make_posix_network();
  const auto connection = network->connect(server.address(), zeo::kNever);
  int seen = 0;
  for (int fd = 0; fd < 256; ++fd) {
    sockaddr_in peer = {};
    socklen_t size = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != server.address().port) continue;
    ++seen;
    const auto option = [&](int level, int name) {
      int value = 0;
      socklen_t length = sizeof value;
      EXPECT_EQ(getsockopt(fd, level, name, &value, &length), 0);
      return value;
    };
    EXPECT_NE(option(SOL_SOCKET, SO_KEEPALIVE), 0);
    const int silence_s = option(IPPROTO_TCP, TCP_KEEPIDLE) +
                          option(IPPROTO_TCP, TCP_KEEPINTVL) * option(IPPROTO_TCP, TCP_KEEPCNT);
    EXPECT_LE(silence_s, 120);
    EXPECT_GT(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    EXPECT_LE(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 120'000);
  }
  EXPECT_EQ(seen, 1);
}

TEST(PosixNetwork, HasAHostName) {
  EXPECT_FALSE(zeo::make_posix_network()->host_name().empty());
}

}  // namespace
