#include "support/fake_network.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/error.h"

namespace support {

class FakeConnection : public zeo::Connection {
 public:
  FakeConnection(FakeNetwork& network, std::unique_ptr<FakeServer> server)
      : network_(network), server_(std::move(server)) {
    server_->connected(wire_);
  }

  std::optional<std::size_t> read_some(std::span<std::byte> into, zeo::Deadline deadline) override {
    network_.count_call();
    if (wire_.bytes.empty() && !wire_.closed) {
      if (deadline == zeo::kNever) throw std::logic_error("the client would wait for ever");
      network_.now_ = std::max(network_.now_, deadline);
      server_->waited(network_.now_, wire_);
      if (wire_.bytes.empty() && !wire_.closed) return std::nullopt;
    }
    const std::size_t count = std::min({into.size(), network_.piece_, wire_.bytes.size()});
    std::memcpy(into.data(), wire_.bytes.data(), count);
    wire_.bytes.erase(0, count);
    return count;
  }

  std::optional<std::size_t> write_some(base::ByteSpan bytes, zeo::Deadline) override {
    network_.count_call();
    if (wire_.closed) throw base::Error::from_errno("write to", "server", EPIPE);
    const std::size_t count = std::min(bytes.size(), network_.piece_);
    server_->received(bytes.first(count), wire_);
    return count;
  }

 private:
  FakeNetwork& network_;
  std::unique_ptr<FakeServer> server_;
  Wire wire_;
};

std::unique_ptr<zeo::Connection> FakeNetwork::connect(const zeo::Address& address, zeo::Deadline) {
  count_call();
  return std::make_unique<FakeConnection>(*this, accept_(address));
}

void FakeNetwork::count_call() {
  if (++calls == fails) throw base::Error::from_errno("talk to", "server", fails_with);
}

FakeNetwork::Accept always(const std::function<std::unique_ptr<FakeServer>()>& make) {
  return [make](const zeo::Address&) { return make(); };
}

}  // namespace support
