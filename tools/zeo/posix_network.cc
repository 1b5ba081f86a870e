#include "zeo/posix_network.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "io/unique_fd.h"

namespace zeo {
namespace {

using base::Error;
using base::ErrorKind;
using io::UniqueFd;

constexpr int kLongestPollMs = 3'600'000;
constexpr std::int64_t kFullQueueMs = 50;  // how often a Unix socket whose queue is full is tried again
constexpr int kVanishedMs = 120'000;       // unanswered bytes
constexpr int kIdleS = 60, kProbeS = 20, kProbes = 3;  // likewise, without any to answer

std::int64_t monotonic_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// False if the deadline comes before the event.
bool wait_for(int fd, short events, Deadline deadline, const std::string& peer) {
  for (;;) {
    const std::int64_t now = monotonic_ms();
    const std::int64_t left =
        deadline == kNever ? kLongestPollMs : std::clamp<std::int64_t>(deadline - now, 0, kLongestPollMs);
    pollfd entry = {fd, events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) io::throw_errno("wait for", peer, errno);
    if (ready > 0) return true;
    if (deadline != kNever && monotonic_ms() >= deadline) return false;
  }
}

bool would_block(int number) {
  return number == EAGAIN || number == EWOULDBLOCK;
}

class SocketConnection : public Connection {
 public:
  SocketConnection(UniqueFd fd, std::string peer) : fd_(std::move(fd)), peer_(std::move(peer)) {}

  std::optional<std::size_t> read_some(std::span<std::byte> into, Deadline deadline) override {
    for (;;) {
      const ssize_t count = io::retried([&] { return recv(fd_.get(), into.data(), into.size(), 0); });
      if (count >= 0) return static_cast<std::size_t>(count);
      if (!would_block(errno)) io::throw_errno("read from", peer_, errno);
      if (!wait_for(fd_.get(), POLLIN, deadline, peer_)) return std::nullopt;
    }
  }

  std::optional<std::size_t> write_some(base::ByteSpan bytes, Deadline deadline) override {
    for (;;) {
      const ssize_t count =
          io::retried([&] { return send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); });
      if (count > 0) return static_cast<std::size_t>(count);
      if (count < 0 && !would_block(errno)) io::throw_errno("write to", peer_, errno);
      if (!wait_for(fd_.get(), POLLOUT, deadline, peer_)) return std::nullopt;
    }
  }

 private:
  UniqueFd fd_;
  std::string peer_;
};

UniqueFd open_socket(int family, const std::string& peer) {
  return UniqueFd(io::checked("open a socket for", peer,
                              [&] { return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }));
}

// 0, or the error number. A connection under way goes on in the background, also if a signal interrupted the
// call.
int finish_connect(int fd, Deadline deadline, const std::string& peer) {
  if (!wait_for(fd, POLLOUT, deadline, peer)) return ETIMEDOUT;
  int number = 0;
  socklen_t size = sizeof number;
  io::checked("connect", peer, [&] { return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size); });
  return number;
}

int try_connect(int fd, const sockaddr* address, socklen_t size, Deadline deadline, const std::string& peer) {
  if (connect(fd, address, size) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  return finish_connect(fd, deadline, peer);
}

UniqueFd connect_unix(const std::string& path, Deadline deadline) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw Error(ErrorKind::usage, "connect", path, "the path is too long for a socket");
  std::copy(path.begin(), path.end(), address.sun_path);
  UniqueFd fd = open_socket(AF_UNIX, path);
  for (;;) {
    const int number =
        try_connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address, deadline, path);
    if (number == 0) return fd;
    if (!would_block(number)) io::throw_errno("connect", path, number);
    // The server's queue is full, and there is nothing to wait on but time.
    const std::int64_t now = monotonic_ms();
    if (now >= deadline) io::throw_errno("connect", path, ETIMEDOUT);
    poll(nullptr, 0, static_cast<int>(std::min(deadline - now, kFullQueueMs)));
  }
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList look_up(const Address& address, const std::string& peer) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int result = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (result == EAI_SYSTEM) io::throw_errno("look up", peer, errno);
  if (result != 0) throw Error(ErrorKind::not_found, "look up", peer, gai_strerror(result));
  return {list, &freeaddrinfo};
}

void set_option(int fd, int level, int name, int value, const std::string& peer) {
  io::checked("set up the socket for", peer,
              [&] { return setsockopt(fd, level, name, &value, sizeof value); });
}

// A peer that is gone without a word is noticed: by bytes of ours that nobody acknowledges, or by probes.
void notice_vanished_peer(int fd, const std::string& peer) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, peer);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1, peer);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kIdleS, peer);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kProbeS, peer);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes, peer);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kVanishedMs, peer);
}

UniqueFd connect_tcp(const Address& address, Deadline deadline) {
  const std::string peer = to_string(address);
  const AddressList list = look_up(address, peer);
  std::int64_t untried = 0;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) ++untried;
  int number = 0;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next, --untried) {
    // A silent first address leaves the others their share of the time.
    const std::int64_t now = monotonic_ms();
    const Deadline share =
        deadline == kNever ? kNever : now + std::max<std::int64_t>(deadline - now, 0) / untried;
    // A family that this machine lacks is no reason to give up: the next address may do.
    UniqueFd fd(socket(entry->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    number = fd ? try_connect(fd.get(), entry->ai_addr, entry->ai_addrlen, share, peer) : errno;
    if (number != 0) continue;
    notice_vanished_peer(fd.get(), peer);
    return fd;
  }
  io::throw_errno("connect", peer, number);
}

class PosixNetwork : public Network {
 public:
  std::unique_ptr<Connection> connect(const Address& address, Deadline deadline) override {
    UniqueFd fd = address.is_unix() ? connect_unix(address.path, deadline) : connect_tcp(address, deadline);
    return std::make_unique<SocketConnection>(std::move(fd), to_string(address));
  }

  std::int64_t now_ms() override { return monotonic_ms(); }

  std::string host_name() override {
    std::array<char, 256> name = {};
    io::checked("ask for", "host name", [&] { return gethostname(name.data(), name.size() - 1); });
    return name.data();
  }
};

}  // namespace

std::unique_ptr<Network> make_posix_network() {
  return std::make_unique<PosixNetwork>();
}

}  // namespace zeo
