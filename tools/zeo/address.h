// Where a ZEO server listens, and which of its storages is meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zeo {

inline constexpr const char* kDefaultStorage = "1";  // what a server calls a storage without a name

struct Address {
  std::string host;        // a name or a number, IPv6 without brackets; empty for a Unix socket
  std::uint16_t port = 0;  // 0 for a Unix socket
  std::string path;        // of a Unix socket, otherwise empty

  static Address tcp(std::string host, std::uint16_t port) { return {std::move(host), port, {}}; }
  static Address unix_socket(std::string path) { return {{}, 0, std::move(path)}; }
  bool is_unix() const { return !path.empty(); }
  // Whether the server runs on this machine, as far as the address tells.
  bool is_local() const;
  bool operator==(const Address&) const = default;
};

struct Server {
  Address address;
  std::string storage = kDefaultStorage;
  bool operator==(const Server&) const = default;
};

// "localhost:7081", "[::1]:7081", "/run/zeo.sock": for messages and reports.
std::string to_string(const Address& address);
// As Python writes it, and so the original's messages: "('localhost', 7081)", "'/run/zeo.sock'".
std::string python_repr(const Address& address);
// A string in Python's quotes; control characters and invalid UTF-8 as \xhh.
std::string python_repr(std::string_view text);

// 1 to 65535 in decimal digits, or nothing.
std::optional<std::uint16_t> parse_port(std::string_view text);

// The `address` key of a zeo.conf: an absolute path, "host:port", "[host]:port" or, as ZConfig has it,
// "::1:port". Error(usage), for a relative path as well.
Address parse_configured_address(const std::string& text);

}  // namespace zeo
