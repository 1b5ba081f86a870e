#include "upgrade/service.h"

#include <algorithm>

#include "base/error.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

constexpr unsigned kCommandTimeout = 120;  // seconds; systemd's own stop timeout is 90
constexpr unsigned kPoll = 100;            // milliseconds

bool is_service_name(const std::string& name) {
  return !name.empty() && name[0] != '-' && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '_' || c == '.' || c == '@';
         });
}

}  // namespace

Service::Service(io::Env& env, std::string name) : env_(env), name_(std::move(name)) {
  if (!is_service_name(name_))
    throw Error(ErrorKind::usage, "service", name_, "is not the name of a service");
}

bool Service::run(const std::vector<std::string>& argv) {
  try {
    return env_.run(argv, kCommandTimeout).exit_status == 0;
  } catch (const Error&) {
    // What counts is whether the server has let go of the database, and that is looked at.
    return false;
  }
}

bool Service::systemd_runs() const {
  try {
    env_.open_dir("/run/systemd/system", io::Links::refuse);
    return true;
  } catch (const Error&) {
    return false;
  }
}

bool Service::run_init_script(const std::string& action) {
  try {
    if (!env_.open_dir("/etc/init.d", io::Links::refuse)->status(name_)) return false;
  } catch (const Error&) {
    return false;
  }
  return run({"/etc/init.d/" + name_, action});
}

bool Service::wait_until_free(DataFolder& folder, unsigned seconds) {
  for (unsigned waited = 0; folder.server_is_running(); waited += kPoll) {
    if (waited >= seconds * 1000) return false;
    env_.sleep_ms(kPoll);
  }
  return true;
}

void Service::stop(DataFolder& folder, unsigned timeout_s) {
  if (!folder.server_is_running()) return;
  stopped_ = true;
  if (systemd_runs()) {
    run({"/usr/bin/systemctl", "stop", name_});
  } else {
    run({"/usr/sbin/invoke-rc.d", name_, "stop"});
    // In a chroot, and under a policy that denies everything, that does nothing and reports success.
    if (!wait_until_free(folder, 1)) by_init_script_ = run_init_script("stop");
  }
  if (wait_until_free(folder, timeout_s)) return;
  throw Error(ErrorKind::busy, "stop", folder.path_of(folder.data_name()),
              "a server still has the database open")
      .with_hint("stop it by hand ('service " + name_ +
                 " stop'), then run the command again; after an upgrade " +
                 "that is 'schooltool-db check --repair'");
}

bool Service::start() {
  if (systemd_runs()) {
    // The unit may have failed repeatedly on the blank database.
    run({"/usr/bin/systemctl", "reset-failed", name_});
    return run({"/usr/bin/systemctl", "--no-block", "start", name_});
  }
  // What had to be stopped past the policy is started the same way.
  if (by_init_script_) return run_init_script("start");
  return run({"/usr/sbin/invoke-rc.d", name_, "start"});
}

}  // namespace upgrade
