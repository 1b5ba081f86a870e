// Fixed-width numbers in byte strings, and a reader that cannot leave its buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace base {

using ByteSpan = std::span<const std::byte>;

// Big-endian loads and stores; the caller has checked that the bytes are there.
template <typename T>
T load_be(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  return value;
}

template <typename T>
void store_be(std::byte* at, T value) {
  const T swapped = load_be<T>(reinterpret_cast<const std::byte*>(&value));
  std::memcpy(at, &swapped, sizeof swapped);
}

inline ByteSpan as_bytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}
inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hex of the bytes, two digits each.
std::string to_hex(ByteSpan bytes);
// 16 lower-case hex digits.
std::string to_hex(std::uint64_t value);

}  // namespace base
