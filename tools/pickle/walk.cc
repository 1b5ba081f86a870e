#include "pickle/walk.h"

#include <array>

namespace pickle {

void fail(const char* reason) {
  throw Fault{reason};
}

void fail_at(base::ByteSpan bytes, std::size_t position, const char* reason) {
  std::string text = reason;
  text += " at byte " + std::to_string(position);
  if (position < bytes.size()) {
    const std::array<std::byte, 1> byte = {bytes[position]};
    const std::string_view name = name_of(static_cast<Opcode>(bytes[position]));
    text += name.empty() ? " (0x" + base::to_hex(byte) + ")" : " (" + std::string(name) + ")";
  }
  throw base::Error(base::ErrorKind::corrupt, "read pickle", "", text);
}

}  // namespace pickle
