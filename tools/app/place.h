// A file named on the command line: its folder, opened, and its name there.
#pragma once

#include <memory>
#include <string>

#include "io/env.h"

namespace app {

struct Place {
  std::unique_ptr<io::Dir> dir;
  std::string name;
};

// `path` may be relative to the current folder. The file itself need not be there. Error(usage) for a path
// that names no file; those of Env::open_dir.
Place open_place(io::Env& env, const std::string& path);
// The folder itself.
std::unique_ptr<io::Dir> open_folder(io::Env& env, const std::string& path);

}  // namespace app
