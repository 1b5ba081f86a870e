#include "repozo/messages.h"

#include <cstring>

#include "base/text.h"

namespace repozo {

namespace {

std::string joined(const std::string& folder, std::string_view rest) {
  if (rest.starts_with('/') && (folder.empty() || folder.back() == '/')) rest.remove_prefix(1);
  return folder + std::string(rest);
}

}  // namespace

std::string python_quoted(const std::string& text) {
  const std::string safe = base::quoted(text);  // control characters cannot forge a line
  if (text.find('\'') == std::string::npos || text.find('"') != std::string::npos) return safe;
  std::string plain;
  for (std::size_t at = 1; at + 1 < safe.size(); ++at) {
    if (safe[at] != '\\' || safe[at + 1] != '\'') plain += safe[at];
  }
  return "\"" + plain + "\"";
}

std::string Messages::shown(const std::string& path) const {
  for (const auto& [folder, as_given] : shown_) {
    if (path == folder) return as_given;
    if (path.starts_with(folder) && (folder.back() == '/' || path[folder.size()] == '/')) {
      return joined(as_given, std::string_view(path).substr(folder.size()));
    }
  }
  return path;
}

std::string Messages::text(const base::Error& error) const {
  std::string line;
  const std::string path = shown(error.path());
  if (error.sys_errno() != 0) {
    line = "[Errno " + std::to_string(error.sys_errno()) + "] " + std::strerror(error.sys_errno()) + ": " +
           python_quoted(path);
  } else if (error.path().empty()) {
    line = error.reason();
  } else if (error.operation() == "verify") {
    line = path + " " + error.reason();
  } else {
    line = "repozo: " + error.operation() + " " + base::quoted(path) + ": " + error.reason();
  }
  return error.hint().empty() ? line : line + "\n" + "repozo: " + error.hint();
}

}  // namespace repozo
