// What the hooks of apt and dpkg, the trigger, maintainer scripts and cron run. Every step is idempotent, and
// costs a few file look-ups when there is nothing to do. A step before an upgrade may refuse; a step after
// one never fails, for it must not break the package manager.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/context.h"
#include "upgrade/check.h"
#include "upgrade/dpkg.h"
#include "upgrade/snapshot.h"

namespace app {

inline constexpr const char* kGuard = "schooltool-dbtools";  // the name in messages
inline constexpr const char* kSkipVariable = "SCHOOLTOOL_DBTOOLS_SKIP";
inline constexpr const char* kSkipFile = "/run/schooltool-dbtools.skip";

// With the option --dry-run each step tells on standard output what it would do, and changes nothing.
class Guard {
 public:
  // `read_list` returns what apt wrote for the Pre-Install-Pkgs hook.
  Guard(const cli::Options& options, upgrade::Environment environment);

  int before_apt(const std::function<std::string()>& read_list);
  int before_dpkg();
  int before_preinst(const std::string& package, const std::string& old_version);
  // dpkg's post-invoke, apt's Post-Invoke, the trigger, a package's own postinst, cron: told apart by
  // `caller`.
  int after(upgrade::Caller caller);
  // Our own configuration: a first copy of each database, then as `after`.
  int configured();

 private:
  Context& context();
  bool is_skipped();
  // False if anything of it could not be read; that is told on standard error.
  bool understands_configuration();
  // Of what was understood. Before a package is there for the first time, there are none.
  std::vector<upgrade::Instance> enabled_instances();
  // The snapshot for one instance. False: it could not be taken, and that is a reason to stop.
  bool begin_one(const upgrade::Instance& instance, const upgrade::UpgradeContext& about);
  void look_after(const upgrade::Instance& instance, upgrade::Caller caller);
  int begin(const std::string& by, const std::vector<upgrade::PackageChange>& packages, bool packages_known);
  int refuse(const std::string& what);
  // Instances with an open upgrade, from the state folders alone.
  std::vector<upgrade::Instance> with_open_upgrade();

  const cli::Options& options_;
  upgrade::Environment environment_;
  bool dry_;
  std::unique_ptr<io::Env> os_, read_only_;
  io::Env& env_;  // one of these
  std::unique_ptr<Context> context_;
};

}  // namespace app
