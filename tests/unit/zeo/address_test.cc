#include "zeo/address.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace {

using zeo::Address;

TEST(ZeoAddress, IsShownWithBracketsAroundIpv6) {
  EXPECT_EQ(to_string(Address::tcp("localhost", 7081)), "localhost:7081");
  EXPECT_EQ(to_string(Address::tcp("::1", 7081)), "[::1]:7081");
  EXPECT_EQ(to_string(Address::unix_socket("/run/zeo.sock")), "/run/zeo.sock");
}

TEST(ZeoAddress, IsShownAsPythonDoes) {
  EXPECT_EQ(python_repr(Address::tcp("127.0.0.1", 8100)), "('127.0.0.1', 8100)");
  EXPECT_EQ(python_repr(Address::unix_socket("/a b")), "'/a b'");
  EXPECT_EQ(zeo::python_repr("a'b"), "\"a'b\"");
  EXPECT_EQ(zeo::python_repr("a'b\\c\nd"), "\"a'b\\\\c\\nd\"");
  EXPECT_EQ(zeo::python_repr("a'b\"c"), "'a\\'b\"c'");
  EXPECT_EQ(zeo::python_repr("\x1b[0m"), "'\\x1b[0m'");
}

TEST(ZeoAddress, PortsAreNumbersThatFit) {
  EXPECT_EQ(zeo::parse_port("1"), 1);
  EXPECT_EQ(zeo::parse_port("65535"), 65535);
  for (const char* text : {"", "0", "65536", "99999", "100000", "-1", "+1", " 1", "1 ", "0x1", "x"})
    EXPECT_EQ(zeo::parse_port(text), std::nullopt) << text;
}

TEST(ZeoAddress, OfAConfigurationIsAPathOrHostAndPort) {
  EXPECT_EQ(zeo::parse_configured_address("/run/zeo.sock"), Address::unix_socket("/run/zeo.sock"));
  EXPECT_EQ(zeo::parse_configured_address("localhost:7081"), Address::tcp("localhost", 7081));
  EXPECT_EQ(zeo::parse_configured_address("[::1]:7081"), Address::tcp("::1", 7081));
  EXPECT_EQ(zeo::parse_configured_address("::1:7081"), Address::tcp("::1", 7081));
  for (const char* text :
       {"", "localhost", ":7081", "localhost:", "localhost:x", "7081", "./zeo.sock", "run/zeo"})
    EXPECT_TRUE(support::fails_with(base::ErrorKind::usage, [&] { zeo::parse_configured_address(text); }))
        << text;
}

TEST(ZeoAddress, KnowsThisMachine) {
  EXPECT_TRUE(Address::unix_socket("/run/zeo.sock").is_local());
  EXPECT_TRUE(Address::tcp("localhost", 1).is_local());
  EXPECT_TRUE(Address::tcp("127.0.0.2", 1).is_local());
  EXPECT_TRUE(Address::tcp("::1", 1).is_local());
  EXPECT_TRUE(Address::tcp("0.0.0.0", 1).is_local());
  EXPECT_TRUE(Address::tcp("::", 1).is_local());
  EXPECT_FALSE(Address::tcp("school.example", 1).is_local());
}

}  // namespace
