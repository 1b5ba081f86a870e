// An index in forms that tests compare.
#pragma once

#include <string>

#include "base/bytes.h"
#include "filestorage/index.h"

namespace support {

// A line "<oid as 16 hex digits> <value>" for each entry, rising.
inline std::string index_text(const filestorage::Index& index) {
  std::string text;
  index.for_each([&text](base::Oid oid, std::uint64_t value) {
    text += base::to_hex(oid) + " " + std::to_string(value) + "\n";
  });
  return text;
}

}  // namespace support
