// What the schooltool-db programs share: the configuration, the instances it names, and one way to go through
// them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/setting.h"
#include "cli/tool_main.h"
#include "io/env.h"
#include "upgrade/instances.h"

namespace app {

inline constexpr const char* kConfigFile = "/etc/schooltool-dbtools.conf";
inline constexpr const char* kConfigRoot = "/etc/schooltool";

// --instance, --all, --config and then those of the tool.
std::vector<cli::OptionSpec> with_instance_options(const std::vector<cli::OptionSpec>& own);

struct Context {
  std::unique_ptr<io::Env> os;   // the real one
  std::unique_ptr<io::Env> dry;  // around it, with --dry-run
  upgrade::Instances instances;

  io::Env& env() { return dry ? *dry : *os; }
};

// Reads the configuration and finds the instances; those options that are settings override it for each.
// Problems with single instances are told on standard error. Error(usage).
Context make_context(const std::string& tool, const cli::Options& options);

// Those chosen by --instance, else all that are enabled. Error(not_found) for a name that is not an instance,
// and without --all if there is none.
std::vector<const upgrade::Instance*> chosen(const Context& context, const cli::Options& options);

// The same for a command that works on one instance only. Error(usage) if there are several, Error(not_found)
// if there is none, also with --all.
const upgrade::Instance& chosen_one(const Context& context, const cli::Options& options);

// 2 if an instance could not be understood and may have been meant: nobody named others. Else 0.
int exit_for_problems(const Context& context, const cli::Options& options);

// Calls `act` for each that is chosen; an Error of one is told and does not keep the others from their turn.
// Returns the gravest exit code: what `act` returned, 2 for an error and as exit_for_problems(), 3 for busy
// if nothing worse came.
int for_each(const std::string& tool, const Context& context, const cli::Options& options,
             const std::function<int(const upgrade::Instance&)>& act);

// Writes what make_context() told about single instances to the system's log too: for jobs of cron.
void log_problems(const std::string& tool, const Context& context);

// "TOOL: operation 'path': reason" and the hint on standard error.
void tell_error(const std::string& tool, const std::exception& error);
// Lines on standard error and in the system's log (facility daemon).
void tell_administrator(const std::string& tool, const std::vector<std::string>& lines);

// A line in that log only: what went well.
void log_for_administrator(const std::string& tool, const std::string& line);

// A question on the terminal, answered by "yes"; false where standard input is not a terminal.
bool confirmed(const std::string& question);
// With --yes true; else tells `plan` on standard error and asks, and says so if nothing comes of it.
bool agreed(const std::string& tool, const cli::Options& options, const std::string& plan);
// As confirmed(), for an answer of one's own, as the name of what is about to go.
bool confirmed_with(const std::string& question, const std::string& answer);

}  // namespace app
