#include "upgrade/data_folder.h"

#include <algorithm>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/file_lock.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint64_t kBestCompression = 32;  // of a file system, of a database

}  // namespace

bool is_mostly_hole(const io::FileStatus& file, const io::Space& space) {
  return file.size > space.total && file.allocated < file.size / kBestCompression;
}

bool has_data_folder(io::Env& env, const Instance& instance) {
  try {
    const DataFolder folder(env, instance);
    return true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return false;
    throw;
  }
}

std::optional<Instance> place_before(io::Env& env, const Instance& instance, const OpenUpgrade& open) {
  Instance before = instance;
  before.data_dir = open.data_dir;
  before.data_name = open.data_name;
  if (before.data_path() == instance.data_path() || !has_data_folder(env, before)) return std::nullopt;
  return before;
}

DataFolder::DataFolder(io::Env& env, const Instance& instance)
    : data_name_(instance.data_name), dir_(env.open_dir(instance.data_dir, io::Links::administrator)) {}

std::unique_ptr<io::File> DataFolder::open_ours(const std::string& name) {
  std::unique_ptr<io::File> file;
  try {
    file = dir_->open_file(name, io::Access::read);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return nullptr;
    if (error.kind() != ErrorKind::unsafe_path || name != data_name_) throw;
    throw Error(error).with_hint(
        "to keep the database elsewhere, move its whole folder and let root put a link in the folder's "
        "place, or "
        "name the other place in the configuration of the instance");
  }
  const io::FileStatus status = file->status();
  // Whoever owns the folder can make a hard link in it to a file that is not theirs. A copy of that would
  // read it for them, so a file of another owner must have no further name, but for one in the vault.
  if (status.links > 1 && status.owner.uid != dir_->status().owner.uid &&
      status.links > 1 + names_in_vault(status)) {
    throw Error(ErrorKind::unsafe_path, "open", path_of(name),
                "a further name (hard link) for a file of another owner (uid " +
                    std::to_string(status.owner.uid) + ")")
        .with_hint("find its other names with: find / -xdev -inum " + std::to_string(status.inode));
  }
  if (is_mostly_hole(status, dir_->space())) {
    throw Error(ErrorKind::unsafe_path, "open", path_of(name), "claims to be larger than its file system")
        .with_hint("it is mostly a hole, and no database; move it away and try again");
  }
  return file;
}

std::unique_ptr<io::File> DataFolder::open_if_ours(const std::string& name) {
  try {
    return open_ours(name);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::unsafe_path) return nullptr;
    throw;
  }
}

// Names in the folder itself cannot be counted: they may be swapped meanwhile.
std::uint64_t DataFolder::names_in_vault(const io::FileStatus& file) {
  io::Dir* vault = find_vault();
  if (vault == nullptr) return 0;
  const auto names = vault->list();
  return static_cast<std::uint64_t>(std::count_if(names.begin(), names.end(), [&](const std::string& name) {
    const auto found = vault->status(name);
    return found && found->same_file(file);
  }));
}

bool DataFolder::server_is_running() {
  return io::is_locked(*dir_, lock_name(data_name_));
}

std::vector<Generation> DataFolder::generations() {
  return generations_in(data_name_, dir_->list());
}

std::unique_ptr<io::Dir> DataFolder::checked_vault() {
  auto vault = dir_->open_dir(kVaultName);
  const io::FileStatus status = vault->status();
  if (status.owner.uid != 0 || (status.mode & 077) != 0) {
    throw Error(ErrorKind::unsafe_path, "open", path_of(kVaultName), "is not a folder of root's alone")
        .with_hint("move it away; it is made anew by the next snapshot");
  }
  return vault;
}

io::Dir* DataFolder::find_vault() {
  if (vault_ || !dir_->status(kVaultName)) return vault_.get();
  try {
    vault_ = checked_vault();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::unsafe_path && error.kind() != ErrorKind::not_found) throw;
  }
  return vault_.get();
}

io::Dir& DataFolder::make_vault() {
  if (find_vault() == nullptr) {
    try {
      dir_->make_dir(kVaultName, 0700);
    } catch (const Error& error) {
      // Either another instance's run made it at this moment, or it is not ours, which is told now.
      if (error.kind() != ErrorKind::exists) throw;
    }
    vault_ = checked_vault();
  }
  dir_->sync();
  return *vault_;
}

void DataFolder::sweep() {
  io::sweep_temporaries(*dir_, data_name_);
  if (io::Dir* vault = find_vault()) io::sweep_temporaries(*vault, data_name_);
}

}  // namespace upgrade
