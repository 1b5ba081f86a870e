#include "support/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace support {
namespace {

constexpr int kPollMs = 20;  // how soon the thread notices that it is to end

union AnyAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

socklen_t fill(AnyAddress& address, Loopback family, const std::string& path) {
  std::memset(&address, 0, sizeof address);
  if (family == Loopback::ipv4) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof address.v4;
  }
  if (family == Loopback::ipv6) {
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_addr = in6addr_loopback;
    return sizeof address.v6;
  }
  address.local.sun_family = AF_UNIX;
  std::memcpy(address.local.sun_path, path.data(), path.size());
  return sizeof address.local;
}

// Bound to a free port, -1 if this machine has no such addresses.
int bound(Loopback family, const std::string& path, zeo::Address& address) {
  AnyAddress any;
  socklen_t size = fill(any, family, path);
  const int fd = socket(any.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, &any.any, size) != 0) {
    if (fd >= 0) close(fd);
    return -1;
  }
  if (family == Loopback::unix_socket) {
    address = zeo::Address::unix_socket(path);
  } else {
    getsockname(fd, &any.any, &size);
    const bool v4 = family == Loopback::ipv4;
    address = zeo::Address::tcp(v4 ? "127.0.0.1" : "::1", ntohs(v4 ? any.v4.sin_port : any.v6.sin6_port));
  }
  return fd;
}

bool ready(int fd) {
  pollfd entry = {fd, POLLIN, 0};
  return poll(&entry, 1, kPollMs) > 0;
}

}  // namespace

bool has_loopback(Loopback family) {
  if (family != Loopback::ipv6) return true;
  zeo::Address address;
  const int fd = bound(family, "", address);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

zeo::Address refused_address() {
  zeo::Address address;
  const int fd = bound(Loopback::ipv4, "", address);
  if (fd < 0) fail("bind");
  close(fd);
  return address;
}

LoopbackServer::LoopbackServer(Loopback family, std::function<std::unique_ptr<FakeServer>()> make)
    : make_(std::move(make)) {
  listener_ = bound(family, dir_ / "zeo.sock", address_);
  if (listener_ < 0 || listen(listener_, 8) != 0) fail("listen");
  thread_ = std::thread([this] { serve(); });
}

LoopbackServer::~LoopbackServer() {
  ends_ = true;
  thread_.join();
  close(listener_);
}

void LoopbackServer::serve() {
  while (!ends_) {
    if (!ready(listener_)) continue;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    serve_connection(fd);
    close(fd);
  }
}

void LoopbackServer::serve_connection(int fd) {
  const std::unique_ptr<FakeServer> server = make_();
  Wire wire;
  server->connected(wire);
  std::array<std::byte, 4096> buffer;
  while (!ends_) {
    while (!wire.bytes.empty()) {
      const ssize_t count = send(fd, wire.bytes.data(), wire.bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      wire.bytes.erase(0, static_cast<std::size_t>(count));
    }
    if (wire.closed) {
      shutdown(fd, SHUT_WR);
      return;
    }
    if (!ready(fd)) continue;
    const ssize_t count = recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) return;
    server->received(base::ByteSpan(buffer).first(static_cast<std::size_t>(count)), wire);
  }
}

}  // namespace support
