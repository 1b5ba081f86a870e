// A FakeServer behind a real socket of this machine, served by a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "support/fake_network.h"
#include "support/temp_dir.h"
#include "zeo/address.h"

namespace support {

enum class Loopback { ipv4, ipv6, unix_socket };

// False for IPv6 on a machine without it.
bool has_loopback(Loopback family);

// Serves one connection after the other until it is destroyed.
class LoopbackServer {
 public:
  LoopbackServer(Loopback family, std::function<std::unique_ptr<FakeServer>()> make);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  const zeo::Address& address() const { return address_; }

 private:
  void serve();
  void serve_connection(int fd);

  std::function<std::unique_ptr<FakeServer>()> make_;
  TempDir dir_;
  zeo::Address address_;
  int listener_ = -1;
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

// An address of this machine at which nobody listens.
zeo::Address refused_address();

}  // namespace support
