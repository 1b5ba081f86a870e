// A live blob folder. Whoever runs the school's service may write there, so every name is untrusted: folders
// are opened one below the other and never through a link, and only plain files of the right owner are read.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "filestorage/blob_layout.h"
#include "io/env.h"

namespace backup {

using filestorage::BlobKey;
using filestorage::BlobLayout;

class BlobFolder {
 public:
  // `path` is absolute, as configured. Error(not_found, unsafe_path; corrupt: a layout that is not known).
  BlobFolder(io::Env& env, const std::string& path);
  // The same, null if `path` is empty or leads nowhere.
  static std::unique_ptr<BlobFolder> find(io::Env& env, const std::string& path);

  io::Dir& dir() { return *top_; }
  BlobLayout layout() const { return layout_; }
  std::string path_of(const BlobKey& key) const;

  // The blob's file; null if it is absent. Error(unsafe_path) for anything but a plain file, for one that
  // belongs neither to the folder's owner nor to root, and for a further name (hard link) of a file of
  // root's.
  std::unique_ptr<io::File> open(const BlobKey& key);
  // Size of the file that open() would open.
  std::optional<std::uint64_t> size(const BlobKey& key);
  // The folder that holds the blob's file; null if it is absent.
  io::Dir* folder_of(const BlobKey& key) { return walk(key, std::nullopt); }
  // The same, made with the owner and mode of the blob folder; new names are durable when it returns.
  io::Dir& make_folder_of(const BlobKey& key);
  // Removes the folders of the blob that are empty now, upwards.
  void remove_empty_folders(const BlobKey& key);

 private:
  io::Dir* walk(const BlobKey& key, std::optional<io::FileStatus> make_like);

  std::unique_ptr<io::Dir> top_;
  BlobLayout layout_;
  io::Owner owner_;
  std::vector<std::pair<std::string, std::unique_ptr<io::Dir>>> open_;  // the folders of the last blob
};

}  // namespace backup
