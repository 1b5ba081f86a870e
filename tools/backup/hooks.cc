#include "backup/hooks.h"

#include "base/error.h"
#include "base/text.h"

namespace backup {

namespace {

constexpr unsigned kTimeout = 6 * 3600;  // seconds
constexpr std::size_t kMostOutput = 400;

bool exists(io::Env& env, const std::string& folder) {
  try {
    env.open_dir(folder, io::Links::administrator);
    return true;
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::not_found) return false;
    throw;
  }
}

}  // namespace

std::string run_hooks(io::Env& env, const std::string& folder,
                      const std::vector<std::pair<std::string, std::string>>& variables) {
  if (!exists(env, folder)) return {};
  // Env::run gives a program nothing but PATH and the like; env(1) adds what these are to know.
  std::vector<std::string> argv = {"/usr/bin/env"};
  for (const auto& [name, value] : variables) argv.push_back(name + "=" + value);
  argv.insert(argv.end(), {"run-parts", "--report", "--", folder});
  const io::RunResult done = env.run(argv, kTimeout);
  if (done.exit_status == 0) return {};
  const std::string said(base::trimmed(done.output.substr(0, kMostOutput)));
  return folder + ": ended with status " + std::to_string(done.exit_status) +
         (said.empty() ? "" : ": " + base::quoted(said));
}

}  // namespace backup
