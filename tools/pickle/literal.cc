#include "pickle/literal.h"

#include <charconv>
#include <cstdlib>
#include <system_error>

#include "base/text.h"
#include "pickle/utf8.h"

namespace pickle {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The number of the next `count` hex digits at `at`.
std::optional<std::uint32_t> hex_number(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < count || at > text.size() - count) return std::nullopt;
  std::uint32_t number = 0;
  const char* end = text.data() + at + count;
  const auto parsed = std::from_chars(text.data() + at, end, number, 16);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

// An octal escape of up to three digits at `at`; moves `at` to its last digit.
char octal(std::string_view text, std::size_t& at) {
  unsigned number = 0;
  std::size_t digits = 0;
  while (digits < 3 && at + digits < text.size() && text[at + digits] >= '0' && text[at + digits] <= '7') {
    number = number * 8 + static_cast<unsigned>(text[at + digits] - '0');
    ++digits;
  }
  at += digits - 1;
  return static_cast<char>(number & 0xff);
}

}  // namespace

std::optional<std::string> decimal_line(std::string_view line, LongSuffix suffix) {
  line = base::trimmed(line);
  if (suffix == LongSuffix::allowed && !line.empty() && line.back() == 'L') line.remove_suffix(1);
  const bool negative = !line.empty() && line.front() == '-';
  if (!line.empty() && (line.front() == '-' || line.front() == '+')) line.remove_prefix(1);
  if (line.empty()) return std::nullopt;
  for (const char c : line) {
    if (!is_digit(c)) return std::nullopt;
  }
  while (line.size() > 1 && line.front() == '0') line.remove_prefix(1);
  std::string digits = negative && line != "0" ? "-" : "";
  return digits.append(line);
}

std::optional<double> float_line(std::string_view line) {
  line = base::trimmed(line);
  if (!line.empty() && line.front() == '+') {
    line.remove_prefix(1);
    if (!line.empty() && line.front() == '-') return std::nullopt;
  }
  double value = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), value);
  if (parsed.ptr != line.data() + line.size()) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) return std::strtod(std::string(line).c_str(), nullptr);
  if (parsed.ec != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::string> quoted_line(std::string_view line) {
  line = base::trimmed(line);
  if (line.size() < 2 || line.front() != line.back()) return std::nullopt;
  if (line.front() != '\'' && line.front() != '"') return std::nullopt;
  line = line.substr(1, line.size() - 2);
  std::string bytes;
  bytes.reserve(line.size());
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      bytes += line[i];
      continue;
    }
    if (++i == line.size()) return std::nullopt;
    switch (line[i]) {
      case '\\':
      case '\'':
      case '"': bytes += line[i]; break;
      case 'a': bytes += '\a'; break;
      case 'b': bytes += '\b'; break;
      case 'f': bytes += '\f'; break;
      case 'n': bytes += '\n'; break;
      case 'r': bytes += '\r'; break;
      case 't': bytes += '\t'; break;
      case 'v': bytes += '\v'; break;
      case 'x': {
        const auto code = hex_number(line, i + 1, 2);
        if (!code) return std::nullopt;
        bytes += static_cast<char>(*code);
        i += 2;
        break;
      }
      default:
        if (line[i] >= '0' && line[i] <= '7') {
          bytes += octal(line, i);
        } else {
          bytes += '\\';
          bytes += line[i];
        }
    }
  }
  return bytes;
}

std::optional<std::string> raw_unicode_line(std::string_view line) {
  std::string text;
  text.reserve(line.size());
  std::size_t backslashes = 0;  // in a row before this byte: an escape begins behind an odd number
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if ((c == 'u' || c == 'U') && backslashes % 2 == 1) {
      const std::size_t count = c == 'u' ? 4 : 8;
      const auto code = hex_number(line, i + 1, count);
      if (!code || *code > 0x10ffff) return std::nullopt;
      text.pop_back();  // the backslash
      append_utf8(text, *code);
      i += count;
      backslashes = 0;
      continue;
    }
    backslashes = c == '\\' ? backslashes + 1 : 0;
    append_utf8(text, static_cast<unsigned char>(c));
  }
  return text;
}

std::optional<std::uint64_t> memo_line(std::string_view line) {
  line = base::trimmed(line);
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), number);
  if (line.empty() || parsed.ec != std::errc() || parsed.ptr != line.data() + line.size())
    return std::nullopt;
  return number;
}

}  // namespace pickle
