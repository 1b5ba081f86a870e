// Integers of any size, as pickles hold them: two's complement, little-endian; none is 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace pickle {

// The time to print one grows with the square of its length; real ones are far shorter.
inline constexpr std::size_t kLongestInteger = 8192;   // bytes
inline constexpr std::size_t kLongestDecimal = 20000;  // digits

// If it fits.
std::optional<std::int64_t> small_integer(base::ByteSpan bytes);
// The same of decimal digits, perhaps with a sign.
std::optional<std::int64_t> small_integer(std::string_view digits);
// At most kLongestInteger bytes, printed in decimal.
std::string decimal_digits(base::ByteSpan bytes);

}  // namespace pickle
