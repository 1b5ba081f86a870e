// Oids and tids as ZODB's tools print them.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/utc_time.h"

namespace filestorage {

// "0x1f", "0x0398f868121ff2dd": without leading zeros, but with an even number of digits; "0x00" for 0.
inline std::string oid_text(base::Oid oid) {
  const std::string digits = base::to_hex(oid);
  std::size_t zeros = 0;
  while (zeros < 14 && digits.compare(zeros, 2, "00") == 0) zeros += 2;
  return "0x" + digits.substr(zeros);
}

}  // namespace filestorage
