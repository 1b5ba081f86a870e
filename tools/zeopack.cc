// zeopack: asks running ZEO servers to pack their storages. In the place of ZEO's program of this name.
#include <unistd.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/pack_progress.h"
#include "app/pack_targets.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "io/posix_env.h"
#include "zeo/command_line.h"
#include "zeo/pack.h"
#include "zeo/posix_network.h"

namespace {

const std::string kTool = "zeopack";

// Only for the error texts and --version: the options are the original's, and read as it reads them.
const cli::ToolSpec kSpec = {kTool, "", "", {}, {}, "", false};

enum ExitStatus : int { kPacked = 0, kFailed = 1 };

struct Attempt {
  const app::PackTarget& target;
  bool connected = false;
  std::optional<zeo::PackResult> result = {};
  std::optional<base::Error> error = {};
};

std::string name_of(const app::PackTarget& target) {
  return "storage " + base::quoted(target.server.storage) + " at " +
         base::quoted(zeo::to_string(target.server.address));
}

nlohmann::json size_json(const std::optional<std::uint64_t>& size) {
  return size ? nlohmann::json(*size) : nlohmann::json();
}

// A string as JSON can hold it: names on a command line are bytes.
std::string printable(const std::string& text) {
  const std::string quoted = base::quoted(text);
  return quoted.substr(1, quoted.size() - 2);
}

nlohmann::json to_json(const Attempt& attempt, double time) {
  const zeo::Server& server = attempt.target.server;
  const double whole = std::floor(time);
  nlohmann::json json = {
      {"server", printable(zeo::to_string(server.address))},
      {"storage", printable(server.storage)},
      {"pack_time", base::to_iso({static_cast<std::int64_t>(whole), 0})},
      {"packed", attempt.result.has_value()},
      {"size_before", attempt.result ? size_json(attempt.result->size_before) : nlohmann::json()},
      {"size_after", attempt.result ? size_json(attempt.result->size_after) : nlohmann::json()},
      {"seconds", attempt.result ? nlohmann::json(attempt.result->seconds) : nlohmann::json()},
      {"error", attempt.error ? nlohmann::json(attempt.error->what()) : nlohmann::json()}};
  if (!attempt.target.instance.empty()) json["instance"] = attempt.target.instance;
  return json;
}

// As the original says it, with the reason in front instead of a traceback.
void tell_failure(const Attempt& attempt) {
  const zeo::Server& server = attempt.target.server;
  app::tell_error(kTool, *attempt.error);
  const std::string address = zeo::python_repr(server.address);
  if (attempt.connected) {
    std::cerr << "Error:\nError packing storage " << printable(server.storage) << " in " << address << "\n";
  } else {
    std::cerr << "Couldn't connect to: (" << address << ", " << zeo::python_repr(server.storage) << ")\n";
  }
}

void tell_result(const Attempt& attempt) {
  const auto size = [](const std::optional<std::uint64_t>& bytes) {
    return bytes ? base::human_size(*bytes) : std::string("unknown");
  };
  const zeo::PackResult& result = *attempt.result;
  std::cerr << name_of(attempt.target) << ": " << size(result.size_before) << " before, "
            << size(result.size_after) << " after, "
            << base::human_duration(static_cast<std::int64_t>(std::lround(result.seconds))) << "\n";
}

class Packer {
 public:
  Packer(io::Env& env, zeo::Network& network, const zeo::CommandLine& line)
      : env_(env), network_(network), line_(line), talks_(line.progress || isatty(STDERR_FILENO) != 0) {}

  // Goes on with the others whatever becomes of one.
  int pack_all(const std::vector<app::PackTarget>& targets) {
    nlohmann::json report = nlohmann::json::array();
    bool connected = false, failed = false;
    for (const app::PackTarget& target : targets) {
      const Attempt attempt = pack(target);
      connected = connected || attempt.connected;
      failed = failed || attempt.error;
      if (attempt.error) tell_failure(attempt);
      if (attempt.result && talks_) tell_result(attempt);
      report.push_back(to_json(attempt, line_.time));
    }
    if (!targets.empty() && !connected)
      std::cerr << "Error:\nCannot connect to any of the configured ZEO servers.\n";
    if (line_.json) std::cout << base::json_text(report) << "\n";
    return failed ? kFailed : kPacked;
  }

 private:
  Attempt pack(const app::PackTarget& target) {
    Attempt attempt{target};
    std::optional<app::PackProgress> progress;
    zeo::PackRequest request = {target.server, line_.time, line_.timeout_ms, line_.pack_timeout_ms};
    request.on_connect = [&] { attempt.connected = true; };
    request.on_open = [&](const zeo::StorageInfo& info) {
      if (!target.data_path.empty()) app::refuse_other_database(env_, target.data_path, info);
      if (progress) progress->opened(info, target.server.address.is_local());
    };
    if (talks_) {
      progress.emplace(std::cerr, env_, "packing " + name_of(target));
      request.on_wait = [&] { progress->waited(); };
    }
    try {
      attempt.result = zeo::pack_server(network_, request);
    } catch (const base::Error& error) {
      attempt.error = error;
    }
    return attempt;
  }

  io::Env& env_;
  zeo::Network& network_;
  const zeo::CommandLine& line_;
  bool talks_;
};

int pack(io::Env& env, zeo::Network& network, const zeo::CommandLine& line) {
  std::vector<app::PackTarget> targets;
  for (const zeo::Server& server : line.servers) targets.push_back({server});
  bool complete = true;
  if (line.all) {
    app::Context context = app::make_context(
        kTool, cli::parse_options({kTool, "", "", app::with_instance_options({}), {}}, {"--all"}));
    app::PackTargets instances = app::instance_targets(context);
    targets.insert(targets.end(), instances.found.begin(), instances.found.end());
    complete = instances.problems.empty() && context.instances.problems.empty();
    for (const std::string& problem : instances.problems) std::cerr << kTool << ": " << problem << "\n";
  }
  const int status = Packer(env, network, line).pack_all(targets);
  return complete ? status : kFailed;
}

// argv[0] is the only word that tool_main may look at.
int run_as_tool(char** argv, const std::function<int()>& run) {
  return cli::tool_main(kSpec, 1, argv, [&](const cli::Options&) { return run(); });
}

int print_version(char** argv) {
  std::string option = "--version";
  char* words[] = {argv[0], option.data(), nullptr};
  return cli::tool_main(kSpec, 2, words, [](const cli::Options&) { return int{kPacked}; });
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  zeo::CommandLine line;
  line.wish = zeo::CommandLine::Wish::help;
  const int status = run_as_tool(argv, [&]() -> int {
    const auto env = io::make_posix_env();
    const auto network = zeo::make_posix_network();
    if (!words.empty()) {
      const auto read = zeo::read_command_line(words, env->now(), [&] { return network->host_name(); });
      if (const auto* refusal = std::get_if<zeo::Refusal>(&read)) {
        std::cerr << refusal->text;
        return refusal->exit_status;
      }
      line = std::get<zeo::CommandLine>(read);
    }
    if (line.wish == zeo::CommandLine::Wish::help) std::cout << zeo::help_text();
    if (line.wish != zeo::CommandLine::Wish::pack) return kPacked;
    return pack(*env, *network, line);
  });
  return line.wish == zeo::CommandLine::Wish::version ? print_version(argv) : status;
}
