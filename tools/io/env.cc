#include "io/env.h"

#include "base/error.h"

namespace io {

std::size_t File::read_full(std::uint64_t offset, std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const std::size_t count = read_some(offset + done, into.subspan(done));
    if (count == 0) break;
    done += count;
  }
  return done;
}

void File::write_full(std::uint64_t offset, base::ByteSpan bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::size_t count = write_some(offset + done, bytes.subspan(done));
    // A write that takes nothing and reports nothing would be tried for ever.
    if (count == 0) throw base::Error(base::ErrorKind::io, "write", path(), "nothing could be written");
    done += count;
  }
}

namespace {

// The folder `name` in `parent`, made if it is absent. Another process may make it at the same moment: either
// will do.
std::unique_ptr<Dir> open_or_make(Dir& parent, const std::string& name, std::uint32_t mode) {
  if (!parent.status(name)) {
    try {
      parent.make_dir(name, mode);
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::exists) throw;
    }
    parent.sync();
  }
  return parent.open_dir(name);
}

}  // namespace

std::unique_ptr<Dir> open_or_make_dir(Env& env, const std::string& path, Links links) {
  // Up to the first folder that exists, remembering the missing ones, then down again.
  std::string existing = path;
  std::vector<std::string> missing;
  std::unique_ptr<Dir> dir;
  while (!dir) {
    try {
      dir = env.open_dir(existing, links);
    } catch (const base::Error& error) {
      while (existing.size() > 1 && existing.back() == '/') existing.pop_back();
      const std::size_t slash = existing.rfind('/');
      if (error.kind() != base::ErrorKind::not_found || slash == std::string::npos || existing == "/") throw;
      missing.push_back(existing.substr(slash + 1));
      existing.resize(slash == 0 ? 1 : slash);
    }
  }
  while (!missing.empty()) {
    const std::string name = missing.back();
    missing.pop_back();
    dir = open_or_make(*dir, name, missing.empty() ? 0700 : 0755);
  }
  return dir;
}

}  // namespace io
