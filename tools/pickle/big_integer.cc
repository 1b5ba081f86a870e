#include "pickle/big_integer.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <vector>

namespace pickle {

namespace {

constexpr std::uint32_t kBillion = 1'000'000'000;
constexpr int kBillionDigits = 9;

bool is_negative(base::ByteSpan bytes) {
  return !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0};
}

// The magnitude, 32 bits each, the lowest first, without zeros at the high end.
std::vector<std::uint32_t> magnitude(base::ByteSpan bytes) {
  const bool negative = is_negative(bytes);
  std::vector<std::uint32_t> limbs((bytes.size() + 3) / 4, negative ? ~std::uint32_t{0} : 0);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned shift = 8 * (i % 4);
    limbs[i / 4] &= ~(std::uint32_t{0xff} << shift);
    limbs[i / 4] |= std::to_integer<std::uint32_t>(bytes[i]) << shift;
  }
  if (negative) {
    bool carry = true;
    for (std::uint32_t& limb : limbs) {
      limb = ~limb + (carry ? 1 : 0);
      carry = carry && limb == 0;
    }
  }
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
  return limbs;
}

}  // namespace

std::optional<std::int64_t> small_integer(base::ByteSpan bytes) {
  const std::byte sign = is_negative(bytes) ? std::byte{0xff} : std::byte{0};
  while (bytes.size() > sizeof(std::int64_t) && bytes.back() == sign) bytes = bytes.first(bytes.size() - 1);
  if (bytes.size() > sizeof(std::int64_t)) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value |= std::to_integer<std::uint64_t>(i < bytes.size() ? bytes[i] : sign) << (8 * i);
  const auto result = static_cast<std::int64_t>(value);
  if ((result < 0) != (sign != std::byte{0})) return std::nullopt;
  return result;
}

std::optional<std::int64_t> small_integer(std::string_view digits) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::string decimal_digits(base::ByteSpan bytes) {
  std::vector<std::uint32_t> limbs = magnitude(bytes);
  std::string backwards;
  while (!limbs.empty()) {
    std::uint64_t rest = 0;
    for (std::size_t i = limbs.size(); i-- > 0;) {
      rest = rest << 32 | limbs[i];
      limbs[i] = static_cast<std::uint32_t>(rest / kBillion);
      rest %= kBillion;
    }
    while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
    for (int digit = 0; digit < kBillionDigits; ++digit) {
      backwards += static_cast<char>('0' + rest % 10);
      rest /= 10;
    }
  }
  while (backwards.size() > 1 && backwards.back() == '0') backwards.pop_back();
  if (backwards.empty()) return "0";
  if (is_negative(bytes)) backwards += '-';
  std::reverse(backwards.begin(), backwards.end());
  return backwards;
}

}  // namespace pickle
