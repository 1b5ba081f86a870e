// What repozo says about an error: in the words of the original where it has any.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace repozo {

class Messages {
 public:
  // Names below `path` are shown as names below `as_given`, as the command line had it.
  void show_as(const std::string& path, const std::string& as_given) { shown_.emplace_back(path, as_given); }

  // One line without its end; a hint on a second one.
  //   a failed system call       [Errno 2] No such file or directory: 'repo/2013...dat'
  //   a backup file's fault      repo/2013-...fs is 5 bytes, should be 7 bytes
  //   no path                    the reason alone
  //   anything else              repozo: back up 'Data.fs': is damaged at byte 4711: ...
  std::string text(const base::Error& error) const;

 private:
  std::string shown(const std::string& path) const;

  std::vector<std::pair<std::string, std::string>> shown_;
};

// As Python shows a string: in single quotes, in double ones if it has single ones.
std::string python_quoted(const std::string& text);

}  // namespace repozo
