#include "base/bytes.h"

#include <array>

namespace base {

std::string to_hex(ByteSpan bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    text += digits[std::to_integer<unsigned>(b) >> 4];
    text += digits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

std::string to_hex(std::uint64_t value) {
  std::array<std::byte, 8> bytes;
  store_be(bytes.data(), value);
  return to_hex(bytes);
}

}  // namespace base
