#include "support/scene.h"

#include "base/error.h"
#include "base/text.h"
#include "base/xxh128.h"
#include "io/atomic_file.h"
#include "support/fs_builder.h"
#include "upgrade/dpkg.h"
#include "upgrade/names.h"

namespace support {

using upgrade::Instance;

std::string in_data(const std::string& name) {
  return std::string(kDataDir) + "/" + name;
}

Instance school_instance(const std::string& name, const std::string& data_name) {
  Instance instance;
  instance.name = name;
  instance.data_dir = kDataDir;
  instance.data_name = data_name;
  return instance;
}

Machine::Machine(io::MemEnv& mem) : mem_(mem) {
  mem.put_dir(kDataDir, kSchoolOwner, 0750);
  mem.put_dir("/run");
  mem.put_dir("/etc/init.d");
  mem.put_file("/etc/init.d/schooltool", "#!/bin/sh\n", {}, 0755);
  mem.set_runner([this](const std::vector<std::string>& argv) { return run(argv); });
}

void Machine::put(const std::string& name, const std::string& content) {
  mem_.put_file(in_data(name), content, kSchoolOwner, kSchoolMode);
}

void Machine::start_server() {
  const std::string name = "Data.fs.lock";
  if (!mem_.status(in_data(name))) put(name, " 4711\n");
  auto lock = mem_.open_dir(kDataDir, io::Links::refuse)->open_file(name, io::Access::read);
  if (lock->try_lock()) server_ = std::move(lock);
}

void Machine::use_systemd() {
  mem_.put_dir("/run/systemd/system");
}

io::RunResult Machine::control(const std::string& action) {
  if (action == "stop" && stops) stop_server();
  if (action == "start") {
    start_server();
    if (on_start) on_start();
  }
  return {};
}

io::RunResult Machine::run(const std::vector<std::string>& argv) {
  if (argv[0] == "/usr/bin/dpkg-query") {
    const std::vector<std::string> patterns(argv.begin() + 4, argv.end());
    io::RunResult result;
    for (const auto& [name, state] : packages) {
      if (upgrade::is_guarded_package(name, patterns)) result.output += name + " " + state + "\n";
    }
    result.exit_status = result.output.empty() ? 1 : 0;
    return result;
  }
  std::string line = argv[0].substr(argv[0].rfind('/') + 1);
  for (std::size_t i = 1; i < argv.size(); ++i) line += " " + argv[i];
  commands.push_back(line);
  if (argv[0] == "/usr/sbin/invoke-rc.d") return policy_denies ? io::RunResult{} : control(argv.at(2));
  if (argv[0] == "/usr/bin/systemctl") return control(argv.at(1) == "--no-block" ? argv.at(2) : argv.at(1));
  if (argv[0] == "/etc/init.d/schooltool") return control(argv.at(1));
  return {127, "not found"};
}

upgrade::UpgradeContext apt_upgrade() {
  return {"apt", {{"schooltool", "1.0", "2.0"}}};
}

upgrade::BeginReport begin(io::Env& env, const Instance& instance) {
  return upgrade::begin_upgrade(env, instance, apt_upgrade());
}

upgrade::CheckReport check_as(io::Env& env, upgrade::Caller caller, const Instance& instance) {
  upgrade::CheckRequest request;
  request.caller = caller;
  return upgrade::check(env, instance, request);
}

upgrade::SnapshotReport snapshot(io::Env& env, const Instance& instance) {
  return upgrade::take_snapshot(env, instance, {});
}

upgrade::Journal journal_of(io::Env& env, const Instance& instance) {
  const auto state = upgrade::find_state(env, instance.name);
  return state ? upgrade::load_journal(*state) : upgrade::Journal{};
}

std::string brief(const std::optional<std::string>& content) {
  if (!content) return "absent";
  if (content->size() <= 40) return base::quoted(*content);
  base::Xxh128 digest;
  digest.update(base::as_bytes(*content));
  return std::to_string(content->size()) + " bytes, digest " + digest.hex();
}

namespace {

bool holds(io::MemEnv& mem, const std::string& path, const std::string& database) {
  const auto content = mem.content(path);
  if (!content) return false;
  if (*content == database) return true;
  if (!path.ends_with(".gz")) return false;
  try {
    return gunzipped(*content) == database;
  } catch (const base::Error&) {
    return false;
  }
}

}  // namespace

std::vector<std::string> places_of(io::MemEnv& mem, const std::string& database) {
  std::vector<std::string> places;
  std::vector<std::string> names = mem.list(kDataDir);
  if (mem.status(in_data(upgrade::kVaultName))) {
    for (const std::string& name : mem.list(in_data(upgrade::kVaultName))) {
      names.push_back(std::string(upgrade::kVaultName) + "/" + name);
    }
  }
  for (const std::string& name : names) {
    if (!io::is_temporary_name(name.substr(name.rfind('/') + 1)) && holds(mem, in_data(name), database)) {
      places.push_back(name);
    }
  }
  return places;
}

bool is_held(io::MemEnv& mem, const std::string& database) {
  for (const std::string& place : places_of(mem, database)) {
    if (place.starts_with(upgrade::kVaultName)) return true;
  }
  return false;
}

std::vector<std::string> displaced(io::MemEnv& mem, const std::string& data_name) {
  std::vector<std::string> names;
  for (const std::string& name : mem.list(kDataDir)) {
    if (upgrade::is_displaced_name(data_name, name)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> temporaries(io::MemEnv& mem) {
  std::vector<std::string> names;
  for (const char* folder : {kDataDir, "/var/lib/schooltool/.schooltool-dbtools"}) {
    if (!mem.status(folder)) continue;
    for (const std::string& name : mem.list(folder)) {
      if (io::is_temporary_name(name)) names.push_back(name);
    }
  }
  return names;
}

std::optional<std::string> displaced_content(io::MemEnv& mem) {
  const auto names = displaced(mem);
  if (names.size() != 1) return std::nullopt;
  return mem.content(in_data(names.front()));
}

}  // namespace support
