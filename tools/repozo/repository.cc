#include "repozo/repository.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "io/atomic_file.h"
#include "repozo/retention.h"

namespace repozo {

namespace {

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.back() == '/' ? folder + name : folder + "/" + name;
}

// Python splits the line at what Unicode calls white space, and reads it in the encoding of the day.
bool fits_in_dat(const std::string& path) {
  return std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// The stamp of a file with this ending; empty for another name.
std::string stamp_with(const std::string& name, std::string_view ending) {
  const std::string stamp = name.substr(0, name.find('.'));
  return is_stamp(stamp) && name.substr(stamp.size()) == ending ? stamp : "";
}

void remove_if_there(io::Dir& dir, const std::string& name) {
  if (dir.status(name)) dir.remove(name);
}

}  // namespace

Repository::Repository(io::Env& env, std::unique_ptr<io::Dir> folder, const std::string& shown)
    : env_(env), folder_(std::move(folder)), shown_(shown.empty() ? folder_->path() : shown) {}

std::string Repository::shown(const std::string& name) const {
  return joined(shown_, name);
}

std::string Repository::in_dat(const std::string& name) const {
  return fits_in_dat(shown_) ? shown(name) : name;
}

std::vector<BackupName> Repository::backups() {
  std::vector<BackupName> found;
  for (const std::string& name : folder_->list()) {
    if (auto backup = parse_name(name)) found.push_back(std::move(*backup));
  }
  std::sort(found.begin(), found.end(), comes_before);
  return found;
}

std::vector<std::string> Repository::lone_dats() {
  std::vector<std::string> found;
  std::set<std::string> full;
  const std::vector<std::string> names = folder_->list();
  for (const std::string& name : names) {
    const auto backup = parse_name(name);
    if (backup && backup->kind == Kind::full) full.insert(backup->stamp);
  }
  for (const std::string& name : names) {
    std::string stamp = stamp_with(name, ".dat");
    if (!stamp.empty() && full.count(stamp) == 0) found.push_back(std::move(stamp));
  }
  return found;
}

io::FileLock Repository::lock_and_sweep(const std::string& purpose) {
  io::FileLock lock(*folder_, kLockName, purpose, 0, env_);
  const std::vector<std::string> names = folder_->list();
  const bool interrupted = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return !stamp_with(name, ".sums-new").empty();
  });
  if (interrupted) finish_removal(*this);
  std::set<std::string> stamps, unfinished, with_sums;
  for (const std::string& name : folder_->list()) {
    if (const auto backup = parse_name(name)) stamps.insert(backup->stamp);
    if (io::is_temporary_name(name)) {
      const auto status = folder_->status(name);
      if (status && status->type != io::FileType::directory) folder_->remove(name);
    }
    if (std::string stamp = stamp_with(name, ".sums-new"); !stamp.empty()) unfinished.insert(stamp);
    if (std::string stamp = stamp_with(name, ".sums"); !stamp.empty()) with_sums.insert(stamp);
  }
  for (const std::string& stamp : unfinished) finish_or_remove(stamp, stamps.count(stamp) != 0);
  for (const std::string& stamp : with_sums) {
    // The original removes a backup with its .dat and .index, and does not know the .sums.
    const bool used =
        stamps.count(stamp) != 0 || folder_->status(dat_name(stamp)) || folder_->status(index_name(stamp));
    if (!used) folder_->remove(sums_name(stamp));
  }
  return lock;
}

// A .sums-new file proves that the other files of its stamp are ours, or were to be removed. It goes last, so
// that they are known as long as they are there.
void Repository::finish_or_remove(const std::string& stamp, bool has_backup) {
  const std::string name = sums_new_name(stamp);
  if (has_backup) {
    // An empty one only marked a backup of the original's that was to be removed.
    const auto status = folder_->status(name);
    if (status && status->size > 0) {
      folder_->rename(name, *folder_, sums_name(stamp), io::Replace::yes);
    } else {
      remove_if_there(*folder_, name);
    }
    folder_->sync();
    return;
  }
  remove_if_there(*folder_, dat_name(stamp));
  remove_if_there(*folder_, index_name(stamp));
  folder_->sync();
  remove_if_there(*folder_, name);
}

}  // namespace repozo
