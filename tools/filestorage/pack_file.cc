#include "filestorage/pack_file.h"

#include <optional>

#include "base/error.h"
#include "io/atomic_file.h"

namespace filestorage {

namespace {

constexpr std::uint32_t kPrivate = 0600;

}  // namespace

PackFile::PackFile(io::Dir& dir, const std::string& name, io::Env& env) : dir_(dir) {
  for (int attempts_left = 4; !file_; --attempts_left) {
    temporary_ = io::temporary_name(kPackTemporary + name, env);
    try {
      file_ = dir_.create_file(temporary_, kPrivate);
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::exists || attempts_left == 0) throw;
    }
  }
}

PackFile::~PackFile() {
  if (placed_) return;
  try {
    file_.reset();
    dir_.remove(temporary_);
  } catch (...) {
    // Nobody is left to be told: the next run's sweep removes it.
  }
}

void PackFile::seal(io::Owner owner, std::uint32_t mode) {
  if (file_->status().owner != owner) file_->set_owner(owner);
  file_->set_mode(mode);
  file_->sync();
}

void PackFile::place(const std::string& name, io::Replace replace) {
  const std::optional<io::FileStatus> named = dir_.status(temporary_);
  if (!named || !named->same_file(file_->status())) {
    throw base::Error(base::ErrorKind::unsafe_path, "rename", file_->path(), "was replaced by somebody else");
  }
  file_->close();
  dir_.rename(temporary_, dir_, name, replace);
  placed_ = true;
}

}  // namespace filestorage
