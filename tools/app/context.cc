#include "app/context.h"

#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "base/text.h"
#include "cli/ini.h"
#include "io/atomic_file.h"
#include "io/hooked_env.h"
#include "io/posix_env.h"
#include "upgrade/settings.h"

namespace app {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t kConfigLimit = 1 << 20;

std::vector<base::Setting> read_config(io::Env& env, const std::string& path, bool must_exist) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || path[0] != '/') {
    throw Error(ErrorKind::usage, "read", path, "the configuration file needs an absolute path");
  }
  const auto dir = env.open_dir(slash == 0 ? "/" : path.substr(0, slash), io::Links::administrator);
  const std::string name = path.substr(slash + 1);
  if (!must_exist && !dir->status(name)) return {};
  return cli::parse_ini(io::read_small_file(*dir, name, kConfigLimit), path);
}

[[noreturn]] void throw_none_found() {
  throw Error(ErrorKind::not_found, "choose", kConfigRoot, "no SchoolTool instance was found")
      .with_hint("for a database elsewhere, add an [instance NAME] section with 'data = /path/Data.fs' to " +
                 std::string(kConfigFile));
}

}  // namespace

std::vector<cli::OptionSpec> with_instance_options(const std::vector<cli::OptionSpec>& own) {
  std::vector<cli::OptionSpec> options = {
      {"instance", 'i', "NAME", "only this instance; may be given more than once", true, false},
      {"all", 'a', "", "every instance that is enabled (the default)", false, false},
      {"config", 0, "FILE", "read this configuration instead of /etc/schooltool-dbtools.conf", false, false}};
  options.insert(options.end(), own.begin(), own.end());
  return options;
}

Context make_context(const std::string& tool, const cli::Options& options) {
  Context context;
  context.os = io::make_posix_env();
  if (options.has("dry-run")) context.dry = io::make_read_only_env(*context.os);
  const auto given = options.value("config");
  const auto configured = read_config(*context.os, given.value_or(kConfigFile), given.has_value());
  context.instances = upgrade::find_instances(*context.os, kConfigRoot, configured);
  for (upgrade::Instance& instance : context.instances.found) {
    upgrade::apply_settings(instance.settings, options.given());
  }
  for (const std::string& problem : context.instances.problems) std::cerr << tool << ": " << problem << "\n";
  return context;
}

std::vector<const upgrade::Instance*> chosen(const Context& context, const cli::Options& options) {
  std::vector<const upgrade::Instance*> result;
  const auto names = options.values("instance");
  if (!names.empty() && options.has("all")) {
    throw Error(ErrorKind::usage, "choose", "", "--all and --instance exclude each other");
  }
  for (const std::string& name : names) {
    const auto& found = context.instances.found;
    const auto match =
        std::find_if(found.begin(), found.end(), [&](const auto& instance) { return instance.name == name; });
    if (match == found.end()) {
      throw Error(ErrorKind::not_found, "choose", name, "there is no such instance")
          .with_hint("instances are the folders of /etc/schooltool and the [instance NAME] sections of " +
                     std::string(kConfigFile));
    }
    result.push_back(&*match);
  }
  if (!names.empty()) return result;
  for (const upgrade::Instance& instance : context.instances.found) {
    if (instance.settings.enabled) result.push_back(&instance);
  }
  // Whoever says --all, as cron does, means however many there are.
  if (result.empty() && !options.has("all")) throw_none_found();
  return result;
}

const upgrade::Instance& chosen_one(const Context& context, const cli::Options& options) {
  const auto instances = chosen(context, options);
  if (instances.empty()) throw_none_found();
  if (instances.size() == 1) return *instances.front();
  std::string names;
  for (const upgrade::Instance* instance : instances) names += (names.empty() ? "" : ", ") + instance->name;
  throw Error(ErrorKind::usage, "choose", "", "this works on one instance, and there are several: " + names)
      .with_hint("name one with --instance");
}

int exit_for_problems(const Context& context, const cli::Options& options) {
  const bool by_name = !options.values("instance").empty();
  return context.instances.problems.empty() || by_name ? cli::kDone : cli::kCouldNot;
}

int for_each(const std::string& tool, const Context& context, const cli::Options& options,
             const std::function<int(const upgrade::Instance&)>& act) {
  const auto instances = chosen(context, options);
  int worst = exit_for_problems(context, options);
  // Gravest first: could not, busy, no, done.
  const auto weight = [](int code) { return code == cli::kCouldNot ? 3 : code == cli::kBusy ? 2 : code; };
  for (const upgrade::Instance* instance : instances) {
    int code = cli::kDone;
    try {
      code = act(*instance);
    } catch (const Error& error) {
      tell_error(tool, error);
      code = error.kind() == ErrorKind::busy ? cli::kBusy : cli::kCouldNot;
    }
    if (weight(code) > weight(worst)) worst = code;
  }
  return worst;
}

void tell_error(const std::string& tool, const std::exception& error) {
  std::cerr << tool << ": " << error.what() << "\n";
  const auto* ours = dynamic_cast<const Error*>(&error);
  if (ours != nullptr && !ours->hint().empty()) std::cerr << tool << ": " << ours->hint() << "\n";
}

void tell_administrator(const std::string& tool, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  openlog(tool.c_str(), LOG_PID, LOG_DAEMON);
  for (const std::string& line : lines) {
    std::cerr << tool << ": " << line << "\n";
    syslog(LOG_WARNING, "%s", line.c_str());
  }
  closelog();
}

void log_for_administrator(const std::string& tool, const std::string& line) {
  openlog(tool.c_str(), LOG_PID, LOG_DAEMON);
  syslog(LOG_INFO, "%s", line.c_str());
  closelog();
}

void log_problems(const std::string& tool, const Context& context) {
  for (const std::string& problem : context.instances.problems) log_for_administrator(tool, problem);
}

bool confirmed(const std::string& question) {
  return confirmed_with(question + " Type 'yes' to go on:", "yes");
}

bool agreed(const std::string& tool, const cli::Options& options, const std::string& plan) {
  if (options.has("yes")) return true;
  std::cerr << plan;
  if (confirmed("Go on?")) return true;
  std::cerr << tool << ": nothing was changed (use --yes where nobody can be asked)\n";
  return false;
}

bool confirmed_with(const std::string& question, const std::string& answer) {
  if (isatty(STDIN_FILENO) == 0) return false;
  std::cerr << question << " ";
  std::string given;
  std::getline(std::cin, given);
  return base::trimmed(given) == answer;
}

}  // namespace app
