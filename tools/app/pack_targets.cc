#include "app/pack_targets.h"

#include "base/error.h"
#include "base/text.h"
#include "upgrade/zconfig.h"

namespace app {
namespace {

constexpr std::string_view kServerConfig = "/zeo.conf";

// A storage is called as its section is, the outermost one if it is wrapped in others.
std::string storage_name(const upgrade::ZSection& top) {
  for (const upgrade::ZSection& section : top.sections) {
    const bool holds = section.type == "filestorage" || !section.all("filestorage").empty();
    if (holds && !section.name.empty()) return section.name;
  }
  return zeo::kDefaultStorage;
}

}  // namespace

zeo::Server server_of(io::Env& env, const upgrade::Instance& instance) {
  if (instance.server.empty()) {
    throw base::Error(base::ErrorKind::unsupported, "pack instance", instance.name, "it has no ZEO server")
        .with_hint("pack " + base::quoted(instance.data_path()) +
                   " with fspack while the service is stopped");
  }
  zeo::Server server = {zeo::parse_configured_address(instance.server)};
  // The database may be configured elsewhere; then the server's own file says nothing about it.
  if (instance.config.ends_with(kServerConfig)) {
    const std::string dir = instance.config.substr(0, instance.config.size() - kServerConfig.size());
    server.storage = storage_name(upgrade::read_zconfig(env, dir, std::string(kServerConfig.substr(1))));
  }
  return server;
}

PackTargets instance_targets(Context& context) {
  PackTargets targets;
  for (const upgrade::Instance& instance : context.instances.found) {
    if (!instance.settings.enabled) continue;
    try {
      targets.found.push_back({server_of(context.env(), instance), instance.name});
    } catch (const base::Error& error) {
      targets.problems.emplace_back(error.what());
      if (!error.hint().empty()) targets.problems.push_back(error.hint());
    }
  }
  return targets;
}

}  // namespace app
