// The values that protocol 0 writes as lines of text. Each gives nothing for a line that is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pickle {

// "-12", also with white space around and an L behind if `suffix` allows it: sign and digits, without leading
// zeros
// ("-0" is "0").
enum class LongSuffix { refused, allowed };
std::optional<std::string> decimal_line(std::string_view line, LongSuffix suffix);
// "1.5", "1e300", "inf", "nan" as Python's float() takes them.
std::optional<double> float_line(std::string_view line);
// 'a\n\x00' in single or double quotes with Python's escapes: the bytes.
std::optional<std::string> quoted_line(std::string_view line);
// Raw-unicode-escape: \uXXXX and \UXXXXXXXX, all other bytes are Latin-1. Gives UTF-8 (surrogates are encoded
// like other characters).
std::optional<std::string> raw_unicode_line(std::string_view line);
// The number of a memo entry.
std::optional<std::uint64_t> memo_line(std::string_view line);

}  // namespace pickle
