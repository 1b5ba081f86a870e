// UTF-8 as pickles hold it: surrogates may stand like other characters (Python's "surrogatepass").
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pickle {

// Eight bytes at a time: nearly all texts are.
inline bool is_ascii(std::string_view text) {
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t seen = 0;
  for (; left >= sizeof seen; at += sizeof seen, left -= sizeof seen) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    seen |= word;
  }
  for (; left > 0; ++at, --left) seen |= static_cast<unsigned char>(*at);
  return (seen & kHigh) == 0;
}
// Well-formed, up to U+10FFFF, without overlong forms; surrogates pass.
bool is_utf8(std::string_view text);
// Of such a text: whether a surrogate stands in it.
bool has_surrogates(std::string_view text);
// Of such a text: UTF-16, big-endian.
std::string utf16be(std::string_view text);
// Appends one character.
void append_utf8(std::string& text, char32_t code);

}  // namespace pickle
