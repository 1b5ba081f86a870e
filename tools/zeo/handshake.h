// The first words: the server announces its protocol in a message of its own, "Z" or "M" and a number, and
// the client answers with the one to use.
//
//   Z308   ZODB 3.8          Z4       ZEO 4
//   Z309   ZODB 3.9          Z5, M5   ZEO 5 and 6 with pickle or msgpack
//   Z310, Z3101  ZODB 3.10
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "zeo/marshal.h"

namespace zeo {

inline constexpr std::uint32_t kLongestGreeting = 64;

struct Protocol {
  std::string name;  // as announced, and as to be answered
  Encoding encoding = Encoding::pickle;
  // Up to ZEO 4: the server may want a password, and tells errors within the value of an ordinary reply.
  bool is_old = false;
};

// Throws Error(unsupported) if the first bytes of a connection are TLS, and Error(protocol), with what they
// look like, if they cannot be the length of an announcement. `first` has 4 bytes.
void check_greeting(base::ByteSpan first);

// Error(unsupported) for a protocol that is not in the list, Error(protocol) for what is no protocol's name.
Protocol choose_protocol(std::string_view announced);

}  // namespace zeo
