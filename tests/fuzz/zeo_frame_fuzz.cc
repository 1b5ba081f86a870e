// What a ZEO server sends: the input is a whole conversation, all that the server says before it hangs up,
// and also a single message in each encoding. Nothing but base::Error may come of it.
#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "zeo/pack.h"
#include "zeo/server_error.h"

namespace {

class Words : public zeo::Connection {
 public:
  explicit Words(base::ByteSpan words) : words_(words) {}
  std::optional<std::size_t> read_some(std::span<std::byte> into, zeo::Deadline) override {
    const std::size_t count = std::min(into.size(), words_.size());
    std::copy_n(words_.begin(), count, into.begin());
    words_ = words_.subspan(count);
    return count;
  }
  std::optional<std::size_t> write_some(base::ByteSpan bytes, zeo::Deadline) override { return bytes.size(); }

 private:
  base::ByteSpan words_;
};

class Network : public zeo::Network {
 public:
  explicit Network(base::ByteSpan words) : words_(words) {}
  std::unique_ptr<zeo::Connection> connect(const zeo::Address&, zeo::Deadline) override {
    return std::make_unique<Words>(words_);
  }
  std::int64_t now_ms() override { return 0; }
  std::string host_name() override { return "school"; }

 private:
  base::ByteSpan words_;
};

template <typename Act>
void may_fail(Act act) {
  try {
    act();
  } catch (const base::Error&) {
    return;  // what nonsense deserves
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan input = std::as_bytes(std::span<const std::uint8_t>(data, size));
  may_fail([&] {
    Network network(input);
    zeo::pack_server(network, {{zeo::Address::tcp("localhost", 8100)}});
  });
  for (const zeo::Encoding encoding : {zeo::Encoding::pickle, zeo::Encoding::msgpack}) {
    may_fail([&] { zeo::decode_head(encoding, input); });
    may_fail([&] {
      const zeo::Message message = zeo::decode(encoding, input);
      zeo::describe(message.values, message.content);
      zeo::error_in(message);
    });
  }
  return 0;
}
