// repozo: full and incremental backups of a Data.fs file, as ZODB's program of this name.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/progress.h"
#include "cli/version.h"
#include "io/posix_env.h"
#include "repozo/program.h"

int main(int argc, char** argv) {
  io::occupy_standard_descriptors();
  // A reader that goes away is told by a failed write, not by the end of us half way through a swap.
  std::signal(SIGPIPE, SIG_IGN);
  const std::unique_ptr<char, void (*)(void*)> folder(::getcwd(nullptr, 0), std::free);
  const auto env = io::make_posix_env();
  const mode_t mask = ::umask(077);  // there is no way to ask without setting
  ::umask(mask);
  repozo::Surroundings surroundings;
  surroundings.new_mode = 0666U & ~mask;
  surroundings.version = cli::version();
  surroundings.progress = [&](const std::string& task, std::uint64_t bytes) {
    return cli::terminal_progress("repozo: " + task, bytes, *env);
  };
  // Without a working folder (it may have been removed) absolute paths still work.
  const int status =
      repozo::run_program(*env, folder ? folder.get() : "/", {argv + (argc > 0 ? 1 : 0), argv + argc},
                          std::cout, std::cerr, surroundings);
  std::cout.flush();
  return std::cout ? status : 1;
}
