#include "pickle/utf8.h"

namespace pickle {

namespace {

// The character at `at`, which moves behind it; no character is above 0x10ffff.
constexpr char32_t kBroken = 0xffffffff;

char32_t next_character(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return text[at++] & 0x7f;
  const std::size_t tail = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - at <= tail) return kBroken;
  char32_t code = lead & (0x3f >> tail);
  for (std::size_t i = 1; i <= tail; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return kBroken;
    code = code << 6 | (byte(at + i) & 0x3f);
  }
  constexpr char32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[tail] || code > 0x10ffff) return kBroken;
  at += tail + 1;
  return code;
}

}  // namespace

bool is_utf8(std::string_view text) {
  if (is_ascii(text)) return true;
  for (std::size_t at = 0; at < text.size();) {
    if (next_character(text, at) == kBroken) return false;
  }
  return true;
}

bool has_surrogates(std::string_view text) {
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (text[at] == '\xed' && static_cast<unsigned char>(text[at + 1]) >= 0xa0) return true;
  }
  return false;
}

std::string utf16be(std::string_view text) {
  std::string units;
  const auto unit = [&units](char32_t value) {
    units += static_cast<char>(value >> 8);
    units += static_cast<char>(value & 0xff);
  };
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code = next_character(text, at);
    if (code == kBroken) return units;
    if (code < 0x10000) {
      unit(code);
    } else {
      unit(0xd800 | (code - 0x10000) >> 10);
      unit(0xdc00 | (code & 0x3ff));
    }
  }
  return units;
}

void append_utf8(std::string& text, char32_t code) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace pickle
