// One conversation with one ZEO server. In this order:
//
//   Client client(network, address, timeout);   // connected, protocol agreed
//   client.open_storage("1");
//   client.info();                               // any time from here on
//   client.pack(seconds, ...);
//
// The destructor closes the connection; there is no word of farewell. Everything throws base::Error whose
// operation and path tell what was asked of which server: io if the connection breaks or an answer does not
// come in time, protocol for nonsense, unsupported for a server that we do not speak with, and what
// server_error.h says for an error that the server answers. After an Error the client is of no use.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "zeo/framing.h"
#include "zeo/handshake.h"
#include "zeo/network.h"

namespace zeo {

// What a server says about a storage; it may leave out anything.
struct StorageInfo {
  std::optional<std::uint64_t> size;     // bytes
  std::optional<std::uint64_t> objects;  // "length"
  std::string name;                      // for a FileStorage its path, as configured
};

class Client {
 public:
  // No answer within this time ends the conversation, so that there is an end even if the server stalls. A
  // pack has a time of its own.
  Client(Network& network, const Address& address, std::int64_t timeout_ms);

  // Read-only, which is enough to pack and allowed by servers that are read-only themselves.
  void open_storage(const std::string& name);
  StorageInfo info();
  // Returns when the server has packed to `time` (seconds since 1970 UTC). `deadline` may be kNever; a server
  // that dies is noticed all the same. `on_info` is called for each size that the server tells meanwhile,
  // `on_wait` about once a second; both may be empty.
  void pack(double time, Deadline deadline, const std::function<void(const StorageInfo&)>& on_info,
            const std::function<void()>& on_wait);

  const Protocol& protocol() const { return protocol_; }

 private:
  struct Waiting {
    Deadline deadline;
    const std::function<void(const StorageInfo&)>* on_info = nullptr;
    const std::function<void()>* on_wait = nullptr;
    const char* if_broken = "";  // the hint if the connection breaks or the time is over
  };

  void shake_hands();
  void refuse_password();
  Message call(const std::string& method, const std::vector<Argument>& arguments, const Waiting& waiting);
  std::optional<Message> take_reply(std::int64_t id, const Waiting& waiting);
  std::optional<Message> understand(const Frame& frame, std::int64_t id, const Waiting& waiting);
  void receive(const Waiting& waiting);
  // At least one byte, or nothing if `until` came first.
  base::ByteSpan read(Deadline until, std::span<std::byte> buffer);
  void send(base::ByteSpan message, Deadline deadline);
  Deadline soon() { return network_.now_ms() + timeout_ms_; }
  std::string storage_at(const std::string& verb) const;

  Network& network_;
  std::string address_;  // for messages
  std::string storage_;  // quoted, likewise
  std::int64_t timeout_ms_;
  std::unique_ptr<Connection> connection_;
  FrameReader frames_;
  Protocol protocol_;
  std::int64_t next_id_ = 0;
  std::int64_t last_sent_ms_ = 0;
};

}  // namespace zeo
