#include "zeo/address.h"

#include "base/error.h"
#include "base/text.h"

namespace zeo {

bool Address::is_local() const {
  return is_unix() || host == "localhost" || host == "::1" || host.starts_with("127.") || host == "0.0.0.0" ||
         host == "::";  // "any" to listen on, and this machine to connect to
}

std::string to_string(const Address& address) {
  if (address.is_unix()) return address.path;
  const bool bare = address.host.find(':') == std::string::npos;
  return (bare ? address.host : "[" + address.host + "]") + ":" + std::to_string(address.port);
}

std::string python_repr(std::string_view text) {
  const std::string quoted = base::quoted(text);
  if (text.find('\'') == std::string_view::npos || text.find('"') != std::string_view::npos) return quoted;
  // Python takes double quotes then, and leaves the single ones alone.
  std::string repr = "\"";
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && quoted[i + 1] == '\'') continue;
    repr += quoted[i];
    if (quoted[i] == '\\') repr += quoted[++i];
  }
  return repr + '"';
}

std::string python_repr(const Address& address) {
  if (address.is_unix()) return python_repr(address.path);
  return "(" + python_repr(address.host) + ", " + std::to_string(address.port) + ")";
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  unsigned port = 0;
  for (const char digit : text) port = port * 10 + static_cast<unsigned>(digit - '0');
  if (port == 0 || port > 0xffff) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

Address parse_configured_address(const std::string& text) {
  if (text.starts_with('/')) return Address::unix_socket(text);
  if (text.find('/') != std::string::npos)
    throw base::Error(base::ErrorKind::usage, "read the server's address", text,
                      "the path of a socket has to begin with '/' to be found from elsewhere");
  const std::size_t colon = text.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : parse_port(std::string_view(text).substr(colon + 1));
  std::string host = text.substr(0, port ? colon : 0);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!port || host.empty())
    throw base::Error(base::ErrorKind::usage, "read the server's address", text,
                      "neither a path nor host:port");
  return Address::tcp(std::move(host), *port);
}

}  // namespace zeo
