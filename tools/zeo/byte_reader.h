// Numbers and texts from a message, never from beyond its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "zeo/nonsense.h"

namespace zeo {

class ByteReader {
 public:
  explicit ByteReader(base::ByteSpan bytes) : bytes_(bytes) {}

  bool at_end() const { return used_ == bytes_.size(); }

  // Error(protocol) if fewer are left.
  base::ByteSpan take(std::uint64_t count) {
    if (count > bytes_.size() - used_) nonsense("a message that ends in the middle of a value");
    const base::ByteSpan taken = bytes_.subspan(used_, static_cast<std::size_t>(count));
    used_ += taken.size();
    return taken;
  }
  std::string_view take_text(std::uint64_t count) { return base::as_text(take(count)); }
  // Up to a newline, which is passed over and is not part of the result.
  std::string_view take_line() {
    const std::string_view rest = base::as_text(bytes_.subspan(used_));
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) nonsense("a message that ends in the middle of a line");
    used_ += end + 1;
    return rest.substr(0, end);
  }

  std::uint8_t u8() { return std::to_integer<std::uint8_t>(take(1)[0]); }
  template <typename T>
  T be() {
    return static_cast<T>(base::load_be<std::make_unsigned_t<T>>(take(sizeof(T)).data()));
  }
  template <typename T>
  T le() {
    const base::ByteSpan bytes = take(sizeof(T));
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    return static_cast<T>(value);
  }

 private:
  base::ByteSpan bytes_;
  std::size_t used_ = 0;
};

}  // namespace zeo
