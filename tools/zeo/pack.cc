#include "zeo/pack.h"

#include "base/error.h"

namespace zeo {
namespace {

// The sizes are for people; a server that does not tell them is packed all the same.
StorageInfo info_if_told(Client& client) {
  try {
    return client.info();
  } catch (const base::Error&) {
    return {};
  }
}

}  // namespace

PackResult pack_server(Network& network, const PackRequest& request) {
  Client client(network, request.server.address, request.timeout_ms);
  if (request.on_connect) request.on_connect();
  client.open_storage(request.server.storage);
  const StorageInfo before = client.info();
  if (request.on_open) request.on_open(before);

  PackResult result;
  result.size_before = before.size;
  const std::int64_t start = network.now_ms();
  const Deadline deadline = request.pack_timeout_ms > 0 ? start + request.pack_timeout_ms : kNever;
  const auto keep_size = [&](const StorageInfo& info) { result.size_after = info.size; };
  client.pack(request.time, deadline, keep_size, request.on_wait);
  result.seconds = static_cast<double>(network.now_ms() - start) / 1000;
  // The message with the size may come after the reply: asking is surer. The pack is done, whatever happens
  // now.
  if (const StorageInfo after = info_if_told(client); after.size) result.size_after = after.size;
  return result;
}

}  // namespace zeo
