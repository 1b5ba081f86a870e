// A machine in memory with a school on it: the data folder /var/lib/schooltool, owned by uid 1234, packages
// in dpkg's list, a server that holds the database's lock, and an init system that stops and starts it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/mem_env.h"
#include "upgrade/begin.h"
#include "upgrade/check.h"
#include "upgrade/instances.h"
#include "upgrade/journal.h"

namespace support {

inline constexpr io::Owner kSchoolOwner{1234, 1234};
inline constexpr std::uint32_t kSchoolMode = 0640;
inline constexpr const char* kDataDir = "/var/lib/schooltool";

// "/var/lib/schooltool/NAME"
std::string in_data(const std::string& name);

upgrade::Instance school_instance(const std::string& name = "standard",
                                  const std::string& data_name = "Data.fs");

class Machine {
 public:
  // Makes the folders and answers for dpkg-query, invoke-rc.d, systemctl and the init script. Must outlive
  // the use of `mem`.
  explicit Machine(io::MemEnv& mem);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Of the school's user, mode 0640, in the data folder.
  void put(const std::string& name, const std::string& content);
  // Takes Data.fs.lock, as a server does.
  void start_server();
  void stop_server() { server_.reset(); }
  bool server_runs() const { return server_ != nullptr; }
  void use_systemd();

  std::map<std::string, std::string> packages{{"schooltool", "installed"}};  // as dpkg-query tells them
  std::vector<std::string> commands;  // "invoke-rc.d schooltool stop"...; not dpkg-query
  bool policy_denies = false;         // invoke-rc.d does nothing and says 0
  bool stops = true;                  // the server obeys
  std::function<void()> on_start;     // what the server does when it has started

 private:
  io::RunResult run(const std::vector<std::string>& argv);
  io::RunResult control(const std::string& action);

  io::MemEnv& mem_;
  std::unique_ptr<io::File> server_;
};

// ---- steps, with the least to say

upgrade::UpgradeContext apt_upgrade();  // of schooltool 1.0 to 2.0
upgrade::BeginReport begin(io::Env& env, const upgrade::Instance& instance = school_instance());
upgrade::CheckReport check_as(io::Env& env, upgrade::Caller caller,
                              const upgrade::Instance& instance = school_instance());
upgrade::SnapshotReport snapshot(io::Env& env, const upgrade::Instance& instance = school_instance());
upgrade::Journal journal_of(io::Env& env, const upgrade::Instance& instance = school_instance());

// ---- what stands there

// Expects the same content, and says no more than sizes and digests of what is longer than a line.
#define EXPECT_BYTES(actual, expected) EXPECT_EQ(support::brief(actual), support::brief(expected))
std::string brief(const std::optional<std::string>& content);

// Names in the data folder that hold this database, ".schooltool-dbtools/..." for those in the vault;
// compressed generations are unpacked.
std::vector<std::string> places_of(io::MemEnv& mem, const std::string& database);
bool is_held(io::MemEnv& mem, const std::string& database);  // in the vault
// Names of displaced databases and temporaries in the data folder.
std::vector<std::string> displaced(io::MemEnv& mem, const std::string& data_name = "Data.fs");
std::vector<std::string> temporaries(io::MemEnv& mem);
// The only displaced one, its content; empty if there is none or more.
std::optional<std::string> displaced_content(io::MemEnv& mem);

}  // namespace support
