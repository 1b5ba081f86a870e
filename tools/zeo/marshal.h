// Messages: what is asked and answered, in the two encodings of ZEO.
//
//   request       (id, false, method, (argument, ...))
//   one-way call  (0, true, method, (argument, ...))
//   reply         (id, 0, ".reply", value)
//   error reply   ZEO 5, 6: (id, 2, ".reply", (class, content)); before: see server_error.h
//   keep-alive    (-1, 0, ".reply", None)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "zeo/values.h"

namespace zeo {

// In old_pickle, for servers up to ZEO 4, which run in Python 2, text is bytes; the others know UTF-8 from
// bytes. For ASCII there is no difference between the pickles.
enum class Encoding { old_pickle, pickle, msgpack };

inline constexpr std::int64_t kKeepAliveId = -1;
inline constexpr std::int64_t kErrorFlag = 2;
inline constexpr std::string_view kReplyMethod = ".reply";

struct MessageHead {
  std::int64_t id = 0;
  std::int64_t flag = 0;
  std::string method;
  bool is_reply() const { return method == kReplyMethod; }
};

struct Message {
  MessageHead head;
  Values values;
  ValueId content = 0;  // the arguments, or the value of a reply
};

using Argument = std::variant<std::string, std::int64_t, double, bool>;

// Text is UTF-8, at most 255 bytes; integers have 31 bits at most. In pickle, the plainest form, which every
// server from ZODB 3.8 to ZEO 6 reads. Error(usage).
std::vector<std::byte> encode_request(Encoding encoding, std::int64_t id, const std::string& method,
                                      const std::vector<Argument>& arguments);
std::vector<std::byte> encode_keep_alive(Encoding encoding);

// The first three members alone; what follows them may be missing or nonsense. Error(protocol).
MessageHead decode_head(Encoding encoding, base::ByteSpan message);
// Error(protocol) for anything but a list of four that starts as above.
Message decode(Encoding encoding, base::ByteSpan message);

}  // namespace zeo
