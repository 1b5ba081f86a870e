#include "zeo/msgpack_reader.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace {

using namespace std::string_literals;
using base::ErrorKind;
using zeo::MsgpackReader;
using zeo::Values;

std::string shown(const std::string& message) {
  Values values;
  return zeo::describe(values, MsgpackReader(base::as_bytes(message), values).read());
}

testing::AssertionResult refused(const std::string& message, std::string_view part = "") {
  return support::fails_with(
             ErrorKind::protocol, [&] { shown(message); }, part)
         << " " << base::to_hex(base::as_bytes(message));
}

TEST(MsgpackReader, ReadsEveryTypeThatZeoUses) {
  const std::pair<std::string, std::string> cases[] = {
      {"\x7f"s, "127"},
      {"\xe0"s, "-32"},
      {"\xcc\xff"s, "255"},
      {"\xcd\x01\x02"s, "258"},
      {"\xce\xff\xff\xff\xff"s, "4294967295"},
      {"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"s, "9223372036854775807"},
      {"\xd0\x80"s, "-128"},
      {"\xd1\xff\xfe"s, "-2"},
      {"\xd2\xff\xff\xff\xfe"s, "-2"},
      {"\xd3\xff\xff\xff\xff\xff\xff\xff\xfe"s, "-2"},
      {"\xca\x40\x20\x00\x00"s, "2.5"},
      {"\xcb\x40\x04\x00\x00\x00\x00\x00\x00"s, "2.5"},
      {"\xc0"s, "none"},
      {"\xc2"s, "no"},
      {"\xc3"s, "yes"},
      {"\xa3"
       "abc"s,
       "'abc'"},
      {"\xd9\x01"
       "a"s,
       "'a'"},
      {"\xda\x00\x01"
       "a"s,
       "'a'"},
      {"\xdb\x00\x00\x00\x01"
       "a"s,
       "'a'"},
      {"\xc4\x02\x00\x07"s, "'\\x00\\x07'"},
      {"\xc5\x00\x01"
       "a"s,
       "'a'"},
      {"\xc6\x00\x00\x00\x01"
       "a"s,
       "'a'"},
      {"\x92\x01\x02"s, "1, 2"},
      {"\xdc\x00\x01\x01"s, "1"},
      {"\xdd\x00\x00\x00\x01\x01"s, "1"},
      {"\x82\xa1"
       "a\x01\xa1"
       "b\x02"s,
       "'a': 1, 'b': 2"},
      {"\xde\x00\x01\x01\x02"s, "1: 2"},
      {"\xdf\x00\x00\x00\x01\x01\x02"s, "1: 2"},
  };
  for (const auto& [message, text] : cases) {
    EXPECT_EQ(shown(message), text);
    for (std::size_t length = 0; length < message.size(); ++length)
      EXPECT_TRUE(refused(message.substr(0, length), "ends in the middle"));
  }
}

TEST(MsgpackReader, RefusesExtensionsAndNumbersBeyond63Bits) {
  for (const std::string& message :
       {"\xc1"s, "\xc7\x01\x01x"s, "\xc8\0\1\1x"s, "\xc9\0\0\0\1\1x"s, "\xd4\1x"s, "\xd8\1x"s})
    EXPECT_TRUE(refused(message, "a msgpack type that ZEO does not use"));
  EXPECT_TRUE(refused("\xcf\x80\0\0\0\0\0\0\0"s, "63 bits"));
}

TEST(MsgpackReader, BoundsTheDepth) {
  EXPECT_EQ(shown("\x91\x91\x91\x01"), "((1))");
  const std::size_t deepest = MsgpackReader::kDeepest;
  EXPECT_NE(shown(std::string(deepest, '\x91') + '\1'), "");
  EXPECT_TRUE(refused(std::string(deepest + 1, '\x91') + '\1', "nested more than"));
  EXPECT_TRUE(refused(std::string(1 << 20, '\x91'), "nested more than"));
  EXPECT_TRUE(refused(std::string(1 << 20, '\x81'), "nested more than"));
}

TEST(MsgpackReader, DoesNotBelieveACount) {
  EXPECT_TRUE(refused("\xdd\xff\xff\xff\xff\x01"s, "ends in the middle"));
  EXPECT_TRUE(refused("\xdf\xff\xff\xff\xff\x01"s, "ends in the middle"));
  EXPECT_TRUE(refused("\xdb\xff\xff\xff\xff\x01"s, "ends in the middle"));
  EXPECT_TRUE(refused("\xdd\x00\x02\x00\x00"s + std::string(0x20000, '\1'), "more than 65536 values"));
}

}  // namespace
