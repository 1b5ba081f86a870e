#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>

namespace {

using namespace std::string_literals;

TEST(Bytes, LoadAndStoreBigEndian) {
  const std::string raw = "\x01\x02\x03\x04\x05\x06\x07\xf8"s;
  const std::byte* at = base::as_bytes(raw).data();
  EXPECT_EQ(base::load_be<std::uint64_t>(at), 0x01020304050607f8U);
  EXPECT_EQ(base::load_be<std::uint32_t>(at), 0x01020304U);
  EXPECT_EQ(base::load_be<std::uint16_t>(at + 6), 0x07f8U);
  EXPECT_EQ(base::load_be<std::uint8_t>(at + 7), 0xf8U);

  std::array<std::byte, 8> out;
  base::store_be(out.data(), std::uint64_t{0x01020304050607f8});
  EXPECT_EQ(base::as_text(out), raw);
  base::store_be(out.data() + 2, std::uint16_t{0xabcd});
  EXPECT_EQ(base::to_hex(out), "0102abcd050607f8");
}

TEST(Bytes, PrintAsHex) {
  EXPECT_EQ(base::to_hex(base::as_bytes("\x00\x7f\xff"s)), "007fff");
  EXPECT_EQ(base::to_hex(base::ByteSpan{}), "");
  EXPECT_EQ(base::to_hex(std::uint64_t{0xbeef}), "000000000000beef");
}

}  // namespace
