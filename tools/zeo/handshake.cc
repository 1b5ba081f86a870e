#include "zeo/handshake.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "zeo/nonsense.h"

namespace zeo {
namespace {

bool looks_like_tls(base::ByteSpan first) {
  // A record's type (alert or handshake) and major version.
  return (first[0] == std::byte{0x15} || first[0] == std::byte{0x16}) && first[1] == std::byte{3};
}

bool is_protocol_name(std::string_view name) {
  return name.size() >= 2 && name[0] >= 'A' && name[0] <= 'Z' &&
         std::all_of(name.begin() + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

void check_greeting(base::ByteSpan first) {
  if (looks_like_tls(first))
    throw base::Error(base::ErrorKind::unsupported, "", "", "it speaks TLS")
        .with_hint(
            "give the server an address without <ssl>, on localhost or a Unix socket, to pack through");
  const auto length = base::load_be<std::uint32_t>(first.data());
  if (length > kLongestGreeting)
    nonsense("this is no ZEO server: it begins with " + base::quoted(base::as_text(first.first(4))));
}

Protocol choose_protocol(std::string_view announced) {
  static constexpr std::array<std::string_view, 5> old = {"Z308", "Z309", "Z310", "Z3101", "Z4"};
  if (std::find(old.begin(), old.end(), announced) != old.end())
    return {std::string(announced), Encoding::old_pickle, true};
  if (announced == "Z5") return {"Z5", Encoding::pickle, false};
  if (announced == "M5") return {"M5", Encoding::msgpack, false};
  if (!is_protocol_name(announced))
    nonsense("this is no ZEO server: it announces the protocol " + base::quoted(announced));
  throw base::Error(
      base::ErrorKind::unsupported, "", "",
      "it announces the protocol " + base::quoted(announced) + ", which is not one of ZODB 3.8 to ZEO 6");
}

}  // namespace zeo
