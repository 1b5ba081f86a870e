#include "backup/blob_folder.h"

#include "base/error.h"

namespace backup {

using base::Error;
using base::ErrorKind;

BlobFolder::BlobFolder(io::Env& env, const std::string& path)
    : top_(env.open_dir(path, io::Links::administrator)),
      layout_(filestorage::blob_layout(*top_)),
      owner_(top_->status().owner) {}

std::unique_ptr<BlobFolder> BlobFolder::find(io::Env& env, const std::string& path) {
  if (path.empty()) return nullptr;
  try {
    return std::make_unique<BlobFolder>(env, path);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return nullptr;
    throw;
  }
}

std::string BlobFolder::path_of(const BlobKey& key) const {
  return top_->path() + "/" + filestorage::blob_path(layout_, key);
}

// Blobs come in the order of their transactions, and objects made together have neighbouring oids: most
// folders are those of the blob before.
io::Dir* BlobFolder::walk(const BlobKey& key, std::optional<io::FileStatus> make_like) {
  const std::vector<std::string> names = filestorage::blob_folders(layout_, key.oid);
  std::size_t depth = 0;
  while (depth < open_.size() && depth < names.size() && open_[depth].first == names[depth]) ++depth;
  open_.resize(depth);
  for (; depth < names.size(); ++depth) {
    io::Dir& above = depth == 0 ? *top_ : *open_[depth - 1].second;
    const std::string& name = names[depth];
    if (make_like && !above.status(name)) {
      above.make_dir(name, 0700);
      const auto made = above.open_dir(name);
      made->set_owner(make_like->owner);
      made->set_mode(make_like->mode);
      made->sync();
      above.sync();
    }
    try {
      open_.emplace_back(name, above.open_dir(name));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::not_found && !make_like) return nullptr;
      throw;
    }
  }
  return open_.back().second.get();
}

io::Dir& BlobFolder::make_folder_of(const BlobKey& key) {
  return *walk(key, top_->status());
}

std::unique_ptr<io::File> BlobFolder::open(const BlobKey& key) {
  io::Dir* folder = walk(key, std::nullopt);
  if (folder == nullptr) return nullptr;
  std::unique_ptr<io::File> file;
  try {
    file = folder->open_file(filestorage::blob_file_name(key.tid), io::Access::read);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return nullptr;
    throw;
  }
  const io::FileStatus status = file->status();
  const bool ours = status.owner.uid == owner_.uid;
  if (!ours && (status.owner.uid != 0 || status.links > 1)) {
    throw Error(ErrorKind::unsafe_path, "open", path_of(key),
                "belongs to somebody else than the blob folder (uid " + std::to_string(status.owner.uid) +
                    (status.links > 1 ? ", with further names)" : ")"))
        .with_hint("find its other names with: find / -xdev -inum " + std::to_string(status.inode));
  }
  return file;
}

std::optional<std::uint64_t> BlobFolder::size(const BlobKey& key) {
  io::Dir* folder = walk(key, std::nullopt);
  if (folder == nullptr) return std::nullopt;
  const auto status = folder->status(filestorage::blob_file_name(key.tid));
  return status ? std::optional(status->size) : std::nullopt;
}

void BlobFolder::remove_empty_folders(const BlobKey& key) {
  if (walk(key, std::nullopt) == nullptr && open_.empty()) return;
  while (!open_.empty() && open_.back().second->list().empty()) {
    const std::string name = open_.back().first;
    open_.pop_back();
    io::Dir& above = open_.empty() ? *top_ : *open_.back().second;
    above.remove_dir(name);
    above.sync();
  }
}

}  // namespace backup
