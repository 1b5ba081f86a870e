// Real sockets, all of them of this machine.
#include "zeo/posix_network.h"

#include <gtest/gtest.h>

#include <array>

#include "support/errors.h"
#include "support/loopback.h"
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

TEST(PosixNetwork, HasAHostName) {
  EXPECT_FALSE(zeo::make_posix_network()->host_name().empty());
}

}  // namespace
