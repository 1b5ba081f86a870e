// What apt and dpkg tell about packages: names that we guard, the state of packages, whether dpkg is at work.
// The change at hand is told by apt_list.h (the list apt hands to its hooks) and dpkg_process.h (the dpkg
// that runs us).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/env.h"
#include "upgrade/apt_list.h"
#include "upgrade/dpkg_process.h"

namespace upgrade {

// Whether a package name matches one of the patterns (shell style, only '*'). Our own packages never match.
bool is_guarded_package(const std::string& name, const std::vector<std::string>& patterns);

// In the order of an installation.
enum class PackageState {
  not_installed,
  config_files,
  half_installed,
  unpacked,
  half_configured,
  triggers_pending,  // or awaited
  installed
};
// Of all guarded packages (our own are left out) that dpkg knows, by name without architecture; of several
// architectures, the one that is furthest from being done. Error(io) if dpkg-query cannot be asked, or
// answers what we do not understand.
std::map<std::string, PackageState> package_states(io::Env& env, const std::vector<std::string>& patterns);

// Another process holds dpkg's lock, as dpkg does from soon after its start to its end. (Not yet while its
// pre-invoke hooks run.)
bool dpkg_is_running(io::Env& env);

}  // namespace upgrade
