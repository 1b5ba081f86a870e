#include "app/pack_targets.h"

#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace app {
namespace {

// Empty if it is not there, or not to be looked at from here.
std::optional<io::FileStatus> status_of(io::Env& env, const std::string& path) {
  try {
    const std::size_t slash = path.rfind('/');
    const auto dir = env.open_dir(slash == 0 ? "/" : path.substr(0, slash), io::Links::administrator);
    return dir->status(path.substr(slash + 1));
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

}  // namespace

zeo::Server server_of(const upgrade::Instance& instance) {
  if (instance.server.empty()) {
    throw base::Error(base::ErrorKind::unsupported, "pack instance", instance.name,
                      "its configuration names no ZEO server for it")
        .with_hint("pack " + base::quoted(instance.data_path()) +
                   " with fspack while the service is stopped");
  }
  return {zeo::parse_configured_address(instance.server),
          instance.storage.empty() ? zeo::kDefaultStorage : instance.storage};
}

void refuse_other_database(io::Env& env, const std::string& data_path, const zeo::StorageInfo& info) {
  if (!info.name.starts_with('/') || info.name == data_path) return;
  const auto there = status_of(env, info.name), here = status_of(env, data_path);
  if (!there || !here || there->same_file(*here)) return;
  throw base::Error(base::ErrorKind::unsupported, "pack", data_path,
                    "the server has another database in this storage: " + base::quoted(info.name))
      .with_hint("the instance's configuration is not that of the server which runs; nothing was packed");
}

PackTargets instance_targets(const Context& context) {
  PackTargets targets;
  for (const upgrade::Instance& instance : context.instances.found) {
    if (!instance.settings.enabled) continue;
    try {
      targets.found.push_back({server_of(instance), instance.name, instance.data_path()});
    } catch (const base::Error& error) {
      targets.problems.emplace_back(error.what());
      if (!error.hint().empty()) targets.problems.push_back(error.hint());
    }
  }
  return targets;
}

}  // namespace app
