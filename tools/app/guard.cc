#include "app/guard.h"

#include <algorithm>
#include <iostream>
#include <iterator>

#include "app/snapshot_text.h"
#include "base/error.h"
#include "base/text.h"
#include "io/hooked_env.h"
#include "io/posix_env.h"
#include "upgrade/begin.h"
#include "upgrade/dpkg_process.h"
#include "upgrade/journal.h"

namespace app {

using base::Error;
using base::ErrorKind;
using upgrade::Instance;
using upgrade::PackageChange;

Guard::Guard(const cli::Options& options, upgrade::Environment environment)
    : options_(options),
      environment_(std::move(environment)),
      dry_(options.has("dry-run")),
      os_(io::make_posix_env()),
      read_only_(io::make_read_only_env(*os_)),
      env_(dry_ ? *read_only_ : *os_) {}

Context& Guard::context() {
  if (!context_) context_ = std::make_unique<Context>(make_context(kGuard, options_));
  return *context_;
}

bool Guard::is_skipped() {
  const auto variable = environment_.find(kSkipVariable);
  bool skipped = variable != environment_.end() && !variable->second.empty() && variable->second != "0";
  try {
    skipped =
        skipped || env_.open_dir("/run", io::Links::refuse)->status("schooltool-dbtools.skip").has_value();
  } catch (const Error&) {  // no /run: no switch there
  }
  if (skipped)
    std::cerr << kGuard << ": skipped, as asked for; the database is not copied before this upgrade\n";
  return skipped;
}

int Guard::refuse(const std::string& what) {
  std::cerr << kGuard << ": " << what << "\n"
            << kGuard << ": to go on without a copy of the database, set " << kSkipVariable
            << "=1 in the environment, or make the file " << kSkipFile << " and remove it afterwards\n";
  return cli::kCouldNot;
}

std::vector<Instance> Guard::enabled_instances() {
  std::vector<Instance> enabled;
  if (!context_) return enabled;
  const auto& found = context_->instances.found;
  std::copy_if(found.begin(), found.end(), std::back_inserter(enabled),
               [](const Instance& instance) { return instance.settings.enabled; });
  return enabled;
}

bool Guard::understands_configuration() {
  try {
    return context().instances.problems.empty();
  } catch (const Error& error) {
    tell_error(kGuard, error);
    return false;
  }
}

bool Guard::begin_one(const Instance& instance, const upgrade::UpgradeContext& about) {
  try {
    if (dry_) {
      upgrade::SnapshotRequest request;
      request.upgrade = about;
      print_plan(std::cout, instance, upgrade::plan_snapshot(env_, instance, request));
      return true;
    }
    const auto report = upgrade::begin_upgrade(env_, instance, about);
    if (report.repaired) tell_administrator(kGuard, report.repaired->messages);
    if (about.by != "preinst" && report.snapshot &&
        report.snapshot->plan.action == upgrade::SnapshotAction::copy) {
      std::cout << kGuard << ": " << base::quoted(instance.data_path()) << " copied to "
                << base::quoted(instance.data_name + ".0") << " before the upgrade ("
                << base::human_size(report.snapshot->plan.length) << ")\n";
    }
    return true;
  } catch (const Error& error) {
    tell_error(kGuard, error);
    return instance.settings.on_snapshot_failure != upgrade::OnSnapshotFailure::stop;
  }
}

int Guard::begin(const std::string& by, const std::vector<PackageChange>& packages, bool packages_known) {
  if (is_skipped()) return cli::kDone;
  bool stop = false;
  if (!understands_configuration()) {
    // Which packages belong to an instance that could not be understood is not known either: the usual ones.
    const std::vector<std::string> usual = upgrade::Settings{}.packages;
    stop = !packages_known || std::any_of(packages.begin(), packages.end(), [&](const PackageChange& change) {
      return upgrade::is_guarded_package(change.name, usual);
    });
  }
  for (const Instance& instance : enabled_instances()) {
    std::vector<PackageChange> guarded;
    std::copy_if(packages.begin(), packages.end(), std::back_inserter(guarded),
                 [&](const PackageChange& change) {
                   return upgrade::is_guarded_package(change.name, instance.settings.packages);
                 });
    if (packages_known && guarded.empty()) continue;
    stop = !begin_one(instance, {by, guarded}) || stop;
  }
  return stop ? refuse("the upgrade is stopped, and nothing was changed") : cli::kDone;
}

int Guard::before_apt(const std::function<std::string()>& read_list) {
  if (upgrade::is_foreign_root(environment_)) return cli::kDone;
  const upgrade::AptList list = upgrade::parse_apt_list(read_list());
  if (list.foreign_root || (list.understood && list.unpacked.empty())) return cli::kDone;
  return begin("apt", list.unpacked, list.understood);
}

int Guard::before_dpkg() {
  if (upgrade::is_foreign_root(environment_)) return cli::kDone;
  const auto action = environment_.find("DPKG_HOOK_ACTION");
  if (action == environment_.end() || (action->second != "install" && action->second != "unpack"))
    return cli::kDone;
  const upgrade::DpkgRun run = upgrade::find_dpkg(env_);
  return begin("dpkg", run.unpacked, run.understood);
}

int Guard::before_preinst(const std::string& package, const std::string& old_version) {
  if (upgrade::is_foreign_root(environment_)) return cli::kDone;
  if (is_skipped()) return cli::kDone;
  bool stop = !understands_configuration();
  for (const Instance& instance : enabled_instances()) {
    stop = !begin_one(instance, {"preinst", {{package, old_version, ""}}}) || stop;
  }
  return stop ? refuse("the upgrade of " + package + " is stopped") : cli::kDone;
}

std::vector<Instance> Guard::with_open_upgrade() {
  std::vector<Instance> open;
  std::unique_ptr<io::Dir> root;
  try {
    root = env_.open_dir(upgrade::kStateRoot, io::Links::administrator);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return open;
    throw;
  }
  for (const std::string& name : root->list()) {
    try {
      const auto state = upgrade::find_state(env_, name);
      const auto journal = state ? upgrade::load_journal(*state) : upgrade::Journal{};
      if (!journal.open) continue;
      const auto& found = context().instances.found;
      const auto match =
          std::find_if(found.begin(), found.end(), [&](const auto& i) { return i.name == name; });
      if (match != found.end()) {
        if (match->settings.enabled) open.push_back(*match);
        continue;
      }
      // The upgrade took the configuration away; where the database was is in the journal.
      Instance instance;
      instance.name = name;
      instance.data_dir = journal.open->data_dir;
      instance.data_name = journal.open->data_name;
      open.push_back(std::move(instance));
    } catch (const Error& error) {
      tell_error(kGuard, error);
    }
  }
  return open;
}

void Guard::look_after(const Instance& instance, upgrade::Caller caller) {
  upgrade::CheckRequest request;
  if (!dry_) request.caller = caller;  // else that of a person, who only asks
  const upgrade::CheckReport report = upgrade::check(env_, instance, request);
  if (!dry_) return tell_administrator(kGuard, report.messages);
  if (!report.looked) return;
  std::cout << instance.name << ": " << upgrade::to_string(report.verdict) << ": " << report.reason << "\n";
  if (report.source) {
    std::cout << instance.name << ": the database of before stands in " << base::quoted(*report.source)
              << "\n";
  }
}

int Guard::after(upgrade::Caller caller) {
  if (upgrade::is_foreign_root(environment_)) return cli::kDone;
  try {
    const auto open = with_open_upgrade();
    if (!open.empty() && caller == upgrade::Caller::dpkg_done && upgrade::is_simulated(env_))
      return cli::kDone;
    for (const Instance& instance : open) {
      try {
        look_after(instance, caller);
      } catch (const Error& error) {
        // Another command of ours is at it, or the next step will try again: never a reason to break the
        // caller.
        if (error.kind() != ErrorKind::busy || caller != upgrade::Caller::cron) tell_error(kGuard, error);
      }
    }
  } catch (const std::exception& error) {
    tell_error(kGuard, error);
  }
  return cli::kDone;
}

int Guard::configured() {
  if (upgrade::is_foreign_root(environment_)) return cli::kDone;
  after(upgrade::Caller::trigger);
  try {
    for (const Instance& instance : context().instances.found) {
      if (!instance.settings.enabled) continue;
      try {
        if (dry_) {
          print_plan(std::cout, instance, upgrade::plan_snapshot(env_, instance, {}));
        } else {
          tell_administrator(kGuard, upgrade::take_baseline(env_, instance).messages);
        }
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) tell_error(kGuard, error);
      }
    }
  } catch (const std::exception& error) {
    tell_error(kGuard, error);
  }
  return cli::kDone;
}

}  // namespace app
