#include "app/place.h"

#include <filesystem>

#include "base/error.h"

namespace app {

namespace {

std::filesystem::path absolute(const std::string& path) {
  if (path.empty()) throw base::Error(base::ErrorKind::usage, "open", path, "the name is empty");
  return std::filesystem::absolute(path).lexically_normal();
}

}  // namespace

Place open_place(io::Env& env, const std::string& path) {
  const std::filesystem::path whole = absolute(path);
  if (!whole.has_filename())
    throw base::Error(base::ErrorKind::usage, "open", path, "it is a folder, not a file");
  return {env.open_dir(whole.parent_path().string(), io::Links::administrator), whole.filename().string()};
}

std::unique_ptr<io::Dir> open_folder(io::Env& env, const std::string& path) {
  std::string whole = absolute(path).string();
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return env.open_dir(whole, io::Links::administrator);
}

}  // namespace app
