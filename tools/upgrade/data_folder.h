// The folder that holds a database. It belongs to the service's user, so every name in it is untrusted input:
// it is opened once, nothing in it is reached through a link, and only plain files are read.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/env.h"
#include "upgrade/instances.h"
#include "upgrade/journal.h"
#include "upgrade/names.h"

namespace upgrade {

// Whether the folder exists. Error as of DataFolder, but for not_found.
bool has_data_folder(io::Env& env, const Instance& instance);

// A file with a hole may have any size, and reading that through would take hours. One that claims to be
// larger than its file system, though next to nothing of it is on disk, is no database. (Where the file
// system compresses, a database may well be larger, but then a good part of it is on disk.)
bool is_mostly_hole(const io::FileStatus& file, const io::Space& space);

// Where the database was when the upgrade began, if the instance's configuration names another place now and
// the folder still stands.
std::optional<Instance> place_before(io::Env& env, const Instance& instance, const OpenUpgrade& open);

class DataFolder {
 public:
  // Error(not_found) if the folder does not exist, unsafe_path if its path leads through a link that is not
  // the administrator's.
  DataFolder(io::Env& env, const Instance& instance);

  io::Dir& dir() { return *dir_; }
  const std::string& data_name() const { return data_name_; }
  std::string path_of(const std::string& name) const { return dir_->path() + "/" + name; }

  // The live database; null if absent. Error(unsafe_path) if the name is not a plain file, or is a further
  // name (hard link) for a file that belongs to somebody else than the folder's owner (a name in the vault
  // does not count), or is_mostly_hole().
  std::unique_ptr<io::File> open_live() { return open_ours(data_name_); }
  // The same for any other name in the folder.
  std::unique_ptr<io::File> open_ours(const std::string& name);
  // The same, but null also for what would be unsafe_path: whatever it is, it is no copy.
  std::unique_ptr<io::File> open_if_ours(const std::string& name);
  // Whether a server has the database open: somebody holds Data.fs.lock.
  bool server_is_running();
  std::vector<Generation> generations();

  // The vault: a folder of root's alone inside this one, for holding a copy that no package script moves.
  // Null if there is none, or if something has its name that others may change.
  io::Dir* find_vault();
  // Made if absent, its name durable. Error(unsafe_path) if something else has its name.
  io::Dir& make_vault();

  // Removes the temporaries that killed runs left, here and in the vault. Under the instance's lock.
  void sweep();

 private:
  std::unique_ptr<io::Dir> checked_vault();
  std::uint64_t names_in_vault(const io::FileStatus& file);
  std::string data_name_;
  std::unique_ptr<io::Dir> dir_, vault_;
};

}  // namespace upgrade
