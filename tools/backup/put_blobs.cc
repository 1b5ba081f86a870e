#include "backup/put_blobs.h"

#include <algorithm>
#include <cerrno>

#include "backup/archive.h"
#include "backup/collect.h"
#include "backup/names.h"
#include "base/error.h"
#include "io/atomic_file.h"

namespace backup {

namespace {

constexpr std::uint32_t kReadBits = 0444;
constexpr const char* kDamaged = ".damaged";

// One archive at a time is open.
class Archives {
 public:
  explicit Archives(io::Dir& repository) : repository_(repository) {}
  io::File& open(const std::string& stamp) {
    if (!file_ || stamp != stamp_) {
      file_ = repository_.open_file(archive_name(stamp), io::Access::read);
      stamp_ = stamp;
    }
    return *file_;
  }

 private:
  io::Dir& repository_;
  std::string stamp_;
  std::unique_ptr<io::File> file_;
};

void extract(io::Env& env, io::Dir& folder, const std::string& name, io::File& archive,
             const ManifestEntry& entry, const io::FileStatus& like) {
  io::sweep_temporaries(folder, name);
  if (folder.status(name)) {  // of a wrong size, or it would not be here
    folder.rename(name, folder, name + kDamaged, io::Replace::yes);
    folder.sync();
  }
  io::AtomicFile file(folder, name, env);
  std::uint64_t offset = 0;
  read_blob(archive, entry, [&](base::ByteSpan piece) {
    file.file().write_full(offset, piece);
    offset += piece.size();
  });
  file.seal(like.owner, like.mode & kReadBits);
  file.commit(io::Replace::no);
}

// A power cut in the middle may have left both names of the file.
void move_file(io::Dir& from, io::Dir& to, const std::string& name) {
  const auto source = from.status(name), target = to.status(name);
  if (source && target && source->same_file(*target)) {
    to.sync();
    from.remove(name);
  } else {
    from.rename(name, to, name, io::Replace::no);
  }
  to.sync();
  from.sync();
}

std::pair<std::string, std::string> split_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

void remove_empty_blob_folder(io::Env& env, const std::string& path) {
  const auto [parent, name] = split_path(path);
  const auto above = env.open_dir(parent, io::Links::administrator);
  const auto folder = above->open_dir(name);
  if (folder->list() != std::vector<std::string>{filestorage::kBlobLayoutName}) return;
  folder->remove(filestorage::kBlobLayoutName);
  above->remove_dir(name);
  above->sync();
}

}  // namespace

std::uint64_t add_blobs(io::Env& env, KeyList& keys, BlobFolder& live, const BlobSources& sources,
                        const io::OnProgress& progress) {
  const io::FileStatus like = live.dir().status();
  std::optional<Archives> archives;
  if (sources.repository != nullptr) archives.emplace(*sources.repository);
  std::uint64_t added = 0, bytes = 0;
  keys.for_each([&](const BlobKey& key) {
    const auto there = live.size(key);
    const auto stored = sources.stored != nullptr ? sources.stored->find(key) : std::nullopt;
    if (there && (!stored || stored->entry.size == *there)) return;
    const std::string name = filestorage::blob_file_name(key.tid);
    if (!there && sources.aside != nullptr && sources.aside->size(key)) {
      io::Dir& to = live.make_folder_of(key);
      io::Dir& from = *sources.aside->folder_of(key);
      move_file(from, to, name);
      sources.aside->remove_empty_folders(key);
    } else if (stored) {
      extract(env, live.make_folder_of(key), name, archives->open(stored->archive), stored->entry, like);
      bytes += stored->entry.size;
    } else {
      return;
    }
    ++added;
    if (progress) progress(bytes);
  });
  return added;
}

Surplus move_surplus(io::Env& env, KeyList& before, KeyList& after, BlobFolder& live,
                     const std::string& aside_path) {
  std::unique_ptr<BlobFolder> aside;
  Surplus surplus;
  KeyList::Reader needed(after);
  std::optional<BlobKey> next = needed.next();
  before.for_each([&](const BlobKey& key) {
    while (next && *next < key) next = needed.next();
    if (next && *next == key) return;
    if (!live.size(key)) return;
    if (surplus.left != 0) {
      ++surplus.left;
      return;
    }
    if (!aside) {
      const io::FileStatus like = live.dir().status();
      aside = open_or_make_blob_folder(env, aside_path, live.layout(), like.owner, like.mode);
    }
    const std::string name = filestorage::blob_file_name(key.tid);
    io::Dir& to = aside->make_folder_of(key);
    io::Dir& from = *live.folder_of(key);
    try {
      move_file(from, to, name);
    } catch (const base::Error& error) {
      if (error.sys_errno() != EXDEV) throw;
      ++surplus.left;
      aside->remove_empty_folders(key);
      return;
    }
    live.remove_empty_folders(key);
    ++surplus.moved;
  });
  if (surplus.left != 0 && surplus.moved == 0) remove_empty_blob_folder(env, aside_path);
  return surplus;
}

std::unique_ptr<BlobFolder> open_or_make_blob_folder(io::Env& env, const std::string& path, BlobLayout layout,
                                                     io::Owner owner, std::uint32_t mode) {
  const auto [parent, name] = split_path(path);
  const auto above = env.open_dir(parent, io::Links::administrator);
  if (!above->status(name)) above->make_dir(name, 0700);
  const auto folder = above->open_dir(name);
  const auto names = folder->list();
  const bool has_blobs = std::any_of(names.begin(), names.end(),
                                     [](const std::string& inner) { return !inner.starts_with('.'); });
  const bool is_new = !has_blobs && !folder->status(filestorage::kBlobLayoutName);
  io::sweep_temporaries(*folder, filestorage::kBlobLayoutName);
  if (is_new) {
    // The marker last: it tells that the rest was done.
    folder->set_owner(owner);
    folder->set_mode(mode);
    io::replace_file(*folder, filestorage::kBlobLayoutName, base::as_bytes(to_string(layout)), owner,
                     0600 | (mode & kReadBits), env);
  }
  above->sync();
  return std::make_unique<BlobFolder>(env, path);
}

}  // namespace backup
