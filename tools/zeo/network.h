// The boundary to the network: everything the client asks of sockets goes through Network and Connection, so
// that tests can play a server without one. The real one is in posix_network.h.
//
// A Deadline is a moment of Network::now_ms, in milliseconds; kNever waits for ever. All functions throw
// base::Error (from_errno of what the system said, with the address as path). For one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "zeo/address.h"

namespace zeo {

using Deadline = std::int64_t;
inline constexpr Deadline kNever = std::numeric_limits<std::int64_t>::max();

// An open stream. The destructor closes it.
class Connection {
 public:
  virtual ~Connection() = default;
  // At least one byte; 0 bytes when the other side has closed; nothing if the deadline came first.
  virtual std::optional<std::size_t> read_some(std::span<std::byte> into, Deadline deadline) = 0;
  // The bytes taken, at least one; nothing if the deadline came first. A connection that the other side has
  // closed is an io error (EPIPE), never a signal.
  virtual std::optional<std::size_t> write_some(base::ByteSpan bytes, Deadline deadline) = 0;
};

class Network {
 public:
  virtual ~Network() = default;
  // All addresses of a name are tried in turn. io with ETIMEDOUT at the deadline, not_found for a socket or a
  // name that does not exist. Looking up a name takes as long as the system's resolver allows.
  virtual std::unique_ptr<Connection> connect(const Address& address, Deadline deadline) = 0;
  // A clock that is never set; its zero is anywhere.
  virtual std::int64_t now_ms() = 0;
  // This machine's own name.
  virtual std::string host_name() = 0;
};

}  // namespace zeo
