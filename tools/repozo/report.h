// What the library tells while it works: the lines of -v, warnings, progress. All may be empty.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "io/copy.h"

namespace repozo {

struct Report {
  std::function<void(const std::string&)> verbose;  // a line of -v, as the original has it
  std::function<void(const std::string&)> warning;  // the work goes on, but somebody should know
  // Called once for each long task with its name and length in bytes (0: not known).
  std::function<io::OnProgress(const std::string& task, std::uint64_t bytes)> progress;

  bool is_verbose() const { return static_cast<bool>(verbose); }
  void say(const std::string& line) const {
    if (verbose) verbose(line);
  }
  void warn(const std::string& line) const {
    if (warning) warning(line);
  }
  io::OnProgress start(const std::string& task, std::uint64_t bytes) const {
    return progress ? progress(task, bytes) : io::OnProgress();
  }
};

}  // namespace repozo
