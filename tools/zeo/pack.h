// Asking a server to pack a storage.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "zeo/address.h"
#include "zeo/client.h"
#include "zeo/network.h"

namespace zeo {

struct PackRequest {
  Server server;
  double time = 0;                   // what is older and not in use goes: seconds since 1970 UTC
  std::int64_t timeout_ms = 30'000;  // for the connection and for each answer but the pack's
  std::int64_t pack_timeout_ms = 0;  // for the pack itself; 0: as long as it takes
  // All may be empty. `on_open` is called when the storage is open, with what the server says about it before
  // the pack, and may throw an Error to leave it at that; `on_wait` about once a second while it packs.
  std::function<void()> on_connect = {};
  std::function<void(const StorageInfo&)> on_open = {};
  std::function<void()> on_wait = {};
};

struct PackResult {
  std::optional<std::uint64_t> size_before;  // bytes, as the server tells; empty if it does not
  std::optional<std::uint64_t> size_after;
  double seconds = 0;  // that the pack took
};

// Returns when the server has packed. Errors as client.h tells them; the pack of a server that does not
// answer in time, or whose connection breaks, may be finished or not: the server's log tells. Either way its
// database is whole, for it swaps the packed file in as the last step.
PackResult pack_server(Network& network, const PackRequest& request);

}  // namespace zeo
