#include "base/text.h"

#include <array>
#include <cstddef>

#include "base/bytes.h"

namespace base {

namespace {

unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// One character of valid UTF-8 at the start of `text`; its length is 0 if there is none (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF).
struct Utf8Char {
  std::size_t length = 0;
  char32_t code = 0;
};

Utf8Char utf8_char(std::string_view text) {
  const unsigned lead = byte_at(text, 0);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return {};
  char32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte_at(text, i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte_at(text, i) & 0x3f);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return {};
  return {length, code};
}

// Characters that move the cursor, end a line or turn the direction of writing.
bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

}  // namespace

std::string quoted(std::string_view name) {
  std::string text = "'";
  while (!name.empty()) {
    const Utf8Char c = utf8_char(name);
    const std::size_t length = c.length == 0 ? 1 : c.length;
    if (c.code == '\n' && c.length == 1) {
      text += "\\n";
    } else if (c.code == '\'' || c.code == '\\') {
      text += '\\';
      text += name.front();
    } else if (c.length == 0 || is_control(c.code)) {
      for (const char byte : name.substr(0, length)) text += "\\x" + to_hex(as_bytes({&byte, 1}));
    } else {
      text += name.substr(0, length);
    }
    name.remove_prefix(length);
  }
  text += '\'';
  return text;
}

std::string human_size(std::uint64_t bytes) {
  if (bytes == 1) return "1 byte";
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  static constexpr std::array<std::string_view, 6> units = {" kB", " MB", " GB", " TB", " PB", " EB"};
  std::uint64_t unit = 1000;
  for (std::size_t i = 0;; ++i, unit *= 1000) {
    // Tenths, rounded to the nearest; unit / 10 is exact, and no sum overflows as bytes / (unit / 10) is
    // small.
    const std::uint64_t tenth = unit / 10;
    const std::uint64_t tenths = bytes / tenth + (bytes % tenth >= tenth - tenth / 2 ? 1 : 0);
    if (tenths >= 10000 && i + 1 < units.size()) continue;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + std::string(units[i]);
  }
}

std::string human_duration(std::int64_t seconds) {
  // Unsigned, so that the most negative number has a magnitude too.
  const bool negative = seconds < 0;
  const std::uint64_t length =
      negative ? std::uint64_t{0} - static_cast<std::uint64_t>(seconds) : static_cast<std::uint64_t>(seconds);
  const std::string sign = negative ? "-" : "";
  if (length >= 2 * 86400) return sign + std::to_string(length / 86400) + " days";
  if (length >= 3600) return sign + std::to_string(length / 3600) + " h";
  if (length >= 60) return sign + std::to_string(length / 60) + " min";
  return sign + std::to_string(length) + " s";
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  for (;;) {
    const std::size_t end = text.find(separator);
    pieces.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

}  // namespace base
