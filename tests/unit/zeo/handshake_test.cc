#include "zeo/handshake.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace {

using namespace std::string_literals;
using base::ErrorKind;

TEST(Handshake, TakesEveryProtocolFromZodb38ToZeo6) {
  for (const char* name : {"Z308", "Z309", "Z310", "Z3101", "Z4"}) {
    const zeo::Protocol protocol = zeo::choose_protocol(name);
    EXPECT_EQ(protocol.name, name);
    EXPECT_EQ(protocol.encoding, zeo::Encoding::old_pickle);
    EXPECT_TRUE(protocol.is_old);
  }
  EXPECT_EQ(zeo::choose_protocol("Z5").encoding, zeo::Encoding::pickle);
  EXPECT_FALSE(zeo::choose_protocol("Z5").is_old);
  EXPECT_EQ(zeo::choose_protocol("M5").encoding, zeo::Encoding::msgpack);
  EXPECT_EQ(zeo::choose_protocol("M5").name, "M5");
}

TEST(Handshake, RefusesProtocolsThatItDoesNotKnow) {
  for (const char* name : {"Z200", "Z201", "Z303", "Z6", "Z9", "M4", "M6", "Z50", "Z30"})
    EXPECT_TRUE(support::fails_with(
        ErrorKind::unsupported, [&] { zeo::choose_protocol(name); }, name));
}

TEST(Handshake, RefusesWhatIsNoProtocol) {
  for (const std::string& name : {""s, "Z"s, "z5"s, "5"s, "Z5 "s, "Z\0"s, "hello"s, "Z-5"s})
    EXPECT_TRUE(support::fails_with(
        ErrorKind::protocol, [&] { zeo::choose_protocol(name); }, "no ZEO server"));
}

TEST(Handshake, KnowsTlsAndOtherServersByTheirFirstBytes) {
  const auto greet = [](const std::string& text) { zeo::check_greeting(base::as_bytes(text)); };
  EXPECT_NO_THROW(greet("\0\0\0\2"s));
  EXPECT_NO_THROW(greet("\0\0\0\x40"s));
  EXPECT_TRUE(support::fails_with(
      ErrorKind::unsupported, [&] { greet("\x15\x03\x01\0"s); }, "it speaks TLS"));
  EXPECT_TRUE(support::fails_with(
      ErrorKind::unsupported, [&] { greet("\x16\x03\x03\0"s); }, "it speaks TLS"));
  EXPECT_TRUE(support::fails_with(
      ErrorKind::protocol, [&] { greet("SSH-"); }, "it begins with 'SSH-'"));
  EXPECT_TRUE(support::fails_with(
      ErrorKind::protocol, [&] { greet("\0\0\0\x41"s); }, "it begins with"));
  EXPECT_TRUE(support::fails_with(
      ErrorKind::protocol, [&] { greet("\xff\xff\xff\xff"s); }, "it begins with"));
}

}  // namespace
