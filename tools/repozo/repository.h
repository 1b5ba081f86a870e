// A repository: the folder that holds the backups of one database.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/env.h"
#include "io/file_lock.h"
#include "repozo/names.h"

namespace repozo {

class Repository {
 public:
  // `folder` stays open as long as this lives. `shown` is how messages and .dat lines name the folder; "" for
  // the folder's own path.
  Repository(io::Env& env, std::unique_ptr<io::Dir> folder, const std::string& shown = "");

  io::Env& env() { return env_; }
  io::Dir& dir() { return *folder_; }
  // The name as messages show it: joined with a slash unless there is one already.
  std::string shown(const std::string& name) const;
  // As shown(), or the name alone if the folder's name has white space, which a .dat cannot hold.
  std::string in_dat(const std::string& name) const;

  // The backup files, in their order (comes_before).
  std::vector<BackupName> backups();
  // Stamps of .dat files without a full backup: either it was removed, or it is being made.
  std::vector<std::string> lone_dats();
  // busy, naming the holder, if another of our programs writes here. Removes what killed runs left.
  io::FileLock lock_and_sweep(const std::string& purpose);

 private:
  void finish_or_remove(const std::string& stamp, bool has_backup);

  io::Env& env_;
  std::unique_ptr<io::Dir> folder_;
  std::string shown_;
};

}  // namespace repozo
