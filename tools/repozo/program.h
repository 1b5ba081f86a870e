// repozo, all but its main(): options, messages and exit status are those of ZODB's program of this name.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "io/copy.h"
#include "io/env.h"

namespace repozo {

// What a program knows and the library does not.
struct Surroundings {
  std::uint32_t new_mode = 0644;  // of new files: 0666 without the bits of the umask
  std::string version = {};
  // For --progress.
  std::function<io::OnProgress(const std::string& task, std::uint64_t bytes)> progress = {};
};

// `words` are argv without the program's name; relative paths are taken from `working_dir`, which is
// absolute. The help goes to `out`, as does a recovered database without -o; messages and errors go to `err`.
// Returns the exit status: 0, or 1 for whatever went wrong. Throws only what is no std::exception.
int run_program(io::Env& env, const std::string& working_dir, const std::vector<std::string>& words,
                std::ostream& out, std::ostream& err, const Surroundings& surroundings = {});

}  // namespace repozo
