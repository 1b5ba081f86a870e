#include "backup/repository_folder.h"

#include "base/error.h"

namespace backup {

using base::Error;
using base::ErrorKind;

namespace {

void check_private(io::Dir& dir) {
  const io::FileStatus status = dir.status();
  if (status.owner.uid == 0 && (status.mode & 022) == 0) return;
  throw Error(ErrorKind::unsafe_path, "open", dir.path(), "can be written by others than root")
      .with_hint("make it root's alone: chown root: and chmod 0700");
}

}  // namespace

std::string repository_path(const upgrade::Instance& instance) {
  return instance.settings.backup_dir + "/" + instance.name;
}

std::unique_ptr<io::Dir> open_repository(io::Env& env, const upgrade::Instance& instance) {
  auto dir = io::open_or_make_dir(env, repository_path(instance), io::Links::administrator);
  check_private(*dir);
  return dir;
}

std::unique_ptr<io::Dir> find_repository(io::Env& env, const upgrade::Instance& instance) {
  try {
    auto dir = env.open_dir(repository_path(instance), io::Links::administrator);
    check_private(*dir);
    return dir;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return nullptr;
    throw;
  }
}

std::unique_ptr<io::Dir> need_repository(io::Env& env, const upgrade::Instance& instance) {
  if (auto dir = find_repository(env, instance)) return dir;
  throw Error(ErrorKind::not_found, "open", repository_path(instance), "there are no backups yet")
      .with_hint("make one with: schooltool-db backup --instance " + instance.name);
}

}  // namespace backup
