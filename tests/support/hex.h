// Bytes written in hex in test data.
#pragma once

#include <stdexcept>
#include <string>

namespace support {

inline std::string bytes_of_hex(const std::string& hex) {
  if (hex.size() % 2 != 0) throw std::runtime_error("an odd number of hex digits");
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

}  // namespace support
