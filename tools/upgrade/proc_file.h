// What /proc tells about a process. Its files have size 0 and change while they are read, so they are read to
// their end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/env.h"

namespace upgrade {

struct Process {
  std::int64_t pid = 0;
  std::int64_t parent = 0;             // 0 for the first process, or where the parent is outside our view
  std::vector<std::string> arguments;  // with the program's name; empty for a kernel thread
};

// Empty if there is no such process (any more), or none that we may see.
std::optional<Process> read_process(io::Env& env, std::int64_t pid);

// The whole content of a file below /proc, at most `limit` bytes of it. Error as io::Dir::open_file.
std::string read_proc_file(io::Env& env, const std::string& folder, const std::string& name,
                           std::size_t limit);

}  // namespace upgrade
