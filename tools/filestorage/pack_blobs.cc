#include "filestorage/pack_blobs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/xxh128.h"
#include "filestorage/pack_file.h"
#include "io/atomic_file.h"

namespace filestorage {

namespace {

constexpr const char* kJournal = ".removed";
constexpr std::string_view kHead = "#fspack ";
constexpr std::size_t kJournalLimit = std::size_t{1} << 30;
constexpr std::uint64_t kDigested = 4096;
constexpr std::string_view kBlobSuffix = ".blob";

// What tells a data file from every other: it grows, but keeps its inode and the bytes before a point.
std::string identity(io::File& file, std::uint64_t size) {
  std::array<std::byte, kDigested> bytes;
  const std::uint64_t from = size - std::min(size, kDigested);
  base::Xxh128 digest;
  digest.update(base::ByteSpan(bytes).first(file.read_full(from, std::span(bytes).first(size - from))));
  return std::to_string(file.status().inode) + " " + std::to_string(size) + " " + digest.hex();
}

std::optional<std::uint64_t> hex_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::unique_ptr<io::Dir> open_if_there(io::Dir& dir, const std::string& name) {
  try {
    return dir.open_dir(name);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) throw;
    return nullptr;
  }
}

// A file, or a folder with all below; counts the files.
std::uint64_t remove_tree(io::Dir& parent, const std::string& name) {
  const auto status = parent.status(name);
  if (!status) return 0;
  if (status->type != io::FileType::directory) {
    parent.remove(name);
    return 1;
  }
  std::uint64_t files = 0;
  {
    const std::unique_ptr<io::Dir> dir = parent.open_dir(name);
    for (const std::string& entry : dir->list()) files += remove_tree(*dir, entry);
  }
  parent.remove_dir(name);
  return files;
}

void copy_rights(io::Dir& from, io::Dir& to) {
  const io::FileStatus wanted = from.status();
  if (to.status().owner != wanted.owner) to.set_owner(wanted.owner);
  to.set_mode(wanted.mode);
}

// Links every blob below `from` to the same place below `to`; folders are made where a blob needs them.
bool link_tree(io::Dir& from, io::Dir& to_parent, const std::string& to_name) {
  std::unique_ptr<io::Dir> to;
  const auto target = [&]() -> io::Dir& {
    if (to == nullptr) {
      to_parent.make_dir(to_name, 0700);
      to = to_parent.open_dir(to_name);
    }
    return *to;
  };
  for (const std::string& name : from.list()) {
    const auto status = from.status(name);
    if (!status) continue;
    if (status->type == io::FileType::directory) {
      const std::unique_ptr<io::Dir> below = from.open_dir(name);
      // Most folders hold blobs; an empty one is made and taken away again.
      link_tree(*below, target(), name);
    } else if (name.ends_with(kBlobSuffix)) {
      const std::unique_ptr<io::File> file = from.open_file(name, io::Access::read);
      target().link(*file, name);
    }
  }
  if (to == nullptr) return false;
  if (to->list().empty()) {
    to.reset();
    to_parent.remove_dir(to_name);
    return false;
  }
  copy_rights(from, *to);
  to->sync();
  return true;
}

// Removes folders that have become empty, from the deepest of `path` up. The first that stays is synced.
void prune(io::Dir& top, const std::vector<std::string>& path) {
  for (std::size_t depth = path.size();; --depth) {
    std::unique_ptr<io::Dir> opened;
    io::Dir* at = &top;
    bool there = true;
    for (std::size_t i = 0; i < depth && there; ++i) {
      auto next = open_if_there(*at, path[i]);
      there = next != nullptr;
      if (there) {
        opened = std::move(next);
        at = opened.get();
      }
    }
    if (!there) continue;  // depth 0 is always there
    if (depth == 0 || !at->list().empty()) return at->sync();
    opened.reset();
    std::unique_ptr<io::Dir> above;
    io::Dir* parent = &top;
    for (std::size_t i = 0; i + 1 < depth; ++i) {
      above = parent->open_dir(path[i]);
      parent = above.get();
    }
    parent->remove_dir(path[depth - 1]);
  }
}

}  // namespace

struct PackBlobs::Journal {
  std::string identity;    // of the packed file
  std::string old_folder;  // the folder that becomes blobs.old; empty: none
  std::vector<Oid> objects;
  std::vector<BlobKey> revisions;
};

PackBlobs::PackBlobs(io::Env& env, const std::string& path, io::File& data) : env_(env) {
  std::string_view trimmed = path;
  while (trimmed.size() > 1 && trimmed.ends_with('/')) trimmed.remove_suffix(1);
  const std::size_t slash = trimmed.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == trimmed.size()) {
    throw base::Error(base::ErrorKind::usage, "open", path, "the blob folder needs an absolute path");
  }
  name_ = trimmed.substr(slash + 1);
  parent_ = env.open_dir(slash == 0 ? "/" : std::string(trimmed.substr(0, slash)), io::Links::administrator);
  blobs_ = parent_->open_dir(name_);
  layout_ = blob_layout(*blobs_);
  if (const auto journal = read_journal()) {
    // "inode size digest": compared with the file's first so many bytes.
    const auto words = base::split(journal->identity, ' ');
    std::uint64_t size = 0;
    const bool number =
        words.size() == 3 &&
        std::from_chars(words[1].data(), words[1].data() + words[1].size(), size).ec == std::errc();
    if (number && data.status().size >= size && identity(data, size) == journal->identity) {
      carry_out(*journal);
    } else {
      blobs_->remove(kJournal);
    }
  }
  sweep();
}

// Folders that a killed pack was making.
void PackBlobs::sweep() {
  const std::string begin = "." + std::string(kPackTemporary) + name_ + ".old.";
  for (const std::string& name : parent_->list()) {
    if (!name.starts_with(begin) || !io::is_temporary_name(name)) continue;
    const auto status = parent_->status(name);
    if (status && status->type == io::FileType::directory) remove_tree(*parent_, name);
  }
  io::sweep_temporaries(*blobs_, kPackTemporary + std::string(kJournal));
}

std::optional<PackBlobs::Journal> PackBlobs::read_journal() {
  const auto status = blobs_->status(kJournal);
  if (!status || status->type != io::FileType::regular) return std::nullopt;
  const std::string text = io::read_small_file(*blobs_, kJournal, kJournalLimit);
  if (!text.starts_with(kHead)) return std::nullopt;
  std::vector<std::string> lines = base::split(text, '\n');
  Journal journal;
  auto words = base::split(lines.front().substr(kHead.size()), ' ');
  if (words.size() > 3) {
    journal.old_folder = words[3];
    words.resize(3);
  }
  for (const std::string& word : words) journal.identity += (journal.identity.empty() ? "" : " ") + word;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    const auto oid = hex_number(line.substr(0, 16));
    if (line.size() == 16 && oid) journal.objects.push_back(*oid);
    const auto tid = line.size() == 32 ? hex_number(line.substr(16)) : std::nullopt;
    if (oid && tid) journal.revisions.push_back({*tid, *oid});
  }
  return journal;
}

void PackBlobs::prepare(const std::vector<DroppedBlob>& dropped, const Index& index, io::File& packed,
                        bool keep_old) {
  std::vector<std::string> lines;
  for (const DroppedBlob& one : dropped) {
    std::string line = base::to_hex(one.key.oid);
    if (!one.object_gone || index.get(one.key.oid) != 0) line += base::to_hex(one.key.tid);
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  if (lines.empty() && !keep_old) return;
  std::string text = std::string(kHead) + identity(packed, packed.status().size);
  if (keep_old) text += " " + link_all();
  text += "\n";
  for (const std::string& line : lines) text += line + "\n";
  PackFile out(*blobs_, kJournal, env_);
  out.file().write_full(0, base::as_bytes(text));
  out.seal(blobs_->status().owner, 0644);
  out.place(kJournal, io::Replace::yes);
  blobs_->sync();
  prepared_ = true;
}

// A folder with a further name for every blob; returns its temporary name.
std::string PackBlobs::link_all() {
  const std::string temporary = io::temporary_name(kPackTemporary + name_ + ".old", env_);
  parent_->make_dir(temporary, 0700);
  const std::unique_ptr<io::Dir> old = parent_->open_dir(temporary);
  for (const std::string& name : blobs_->list()) {
    const auto status = blobs_->status(name);
    if (!status) continue;
    if (status->type == io::FileType::directory) {
      const std::unique_ptr<io::Dir> below = blobs_->open_dir(name);
      link_tree(*below, *old, name);
    } else if (name == kBlobLayoutName || name.ends_with(kBlobSuffix)) {
      const std::unique_ptr<io::File> file = blobs_->open_file(name, io::Access::read);
      old->link(*file, name);
    }
  }
  copy_rights(*blobs_, *old);
  old->sync();
  parent_->sync();
  return temporary;
}

void PackBlobs::finish() {
  if (!prepared_) return;
  if (const auto journal = read_journal()) carry_out(*journal);
  prepared_ = false;
}

void PackBlobs::carry_out(const Journal& journal) {
  if (!journal.old_folder.empty()) swap_old(journal.old_folder);
  for (const Oid oid : journal.objects) remove_object(oid);
  for (const BlobKey& key : journal.revisions) remove_revision(key);
  blobs_->remove(kJournal);
  blobs_->sync();
}

// Once the new one is there, the old one of an earlier pack goes.
void PackBlobs::swap_old(const std::string& temporary) {
  const std::string begin = "." + std::string(kPackTemporary) + name_ + ".old.";
  if (!temporary.starts_with(begin) || !io::is_temporary_name(temporary)) return;
  const auto status = parent_->status(temporary);
  if (!status || status->type != io::FileType::directory) return;
  const std::string old = name_ + ".old";
  remove_tree(*parent_, old);
  parent_->rename(temporary, *parent_, old, io::Replace::no);
  parent_->sync();
}

void PackBlobs::remove_object(Oid oid) {
  std::vector<std::string> path = blob_folders(layout_, oid);
  const std::string last = path.back();
  path.pop_back();
  std::unique_ptr<io::Dir> opened;
  io::Dir* at = blobs_.get();
  for (const std::string& name : path) {
    auto next = open_if_there(*at, name);
    if (next == nullptr) return;
    opened = std::move(next);
    at = opened.get();
  }
  if (!at->status(last)) return;
  removed_ += remove_tree(*at, last);
  opened.reset();
  prune(*blobs_, path);
}

void PackBlobs::remove_revision(const BlobKey& key) {
  const std::vector<std::string> path = blob_folders(layout_, key.oid);
  std::unique_ptr<io::Dir> opened;
  io::Dir* at = blobs_.get();
  for (const std::string& name : path) {
    auto next = open_if_there(*at, name);
    if (next == nullptr) return;
    opened = std::move(next);
    at = opened.get();
  }
  const std::string name = blob_file_name(key.tid);
  if (!at->status(name)) return;
  at->remove(name);
  ++removed_;
  opened.reset();
  prune(*blobs_, path);
}

}  // namespace filestorage
