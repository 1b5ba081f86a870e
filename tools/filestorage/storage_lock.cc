#include "filestorage/storage_lock.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace filestorage {

namespace {

constexpr std::uint32_t kMode = 0644;
constexpr std::size_t kLongestNote = 32;

struct LockFile {
  std::unique_ptr<io::File> file;
  bool made = false;
};

LockFile open_or_create(io::Dir& dir, const std::string& name) {
  for (;;) {
    try {
      return {dir.open_file(name, io::Access::read_write), false};
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::not_found) throw;
    }
    try {
      return {dir.create_file(name, kMode), true};
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::exists) throw;
    }
  }
}

// A new lock file that the database's owner cannot write to would keep the server from ever taking it.
void give_to(io::Owner owner, io::File& file, io::Dir& dir, const std::string& name) {
  if (file.status().owner == owner) return;
  try {
    file.set_owner(owner);
  } catch (const base::Error&) {
    dir.remove(name);
    throw;
  }
}

std::string holder(io::File& file) {
  std::array<std::byte, kLongestNote> bytes;
  const auto note = base::trimmed(base::as_text(base::ByteSpan(bytes).first(file.read_full(0, bytes))));
  const bool number = !note.empty() && note.find_first_not_of("0123456789") == std::string_view::npos;
  return number ? "held by pid " + std::string(note) : "held by another process";
}

void write_note(io::File& file, io::Env& env) {
  try {
    file.truncate(0);
    file.write_full(0, base::as_bytes(" " + std::to_string(env.process_id()) + "\n"));
  } catch (const base::Error& error) {
    // The lock holds without its note, and freeing space may be what it was taken for.
    if (error.kind() != base::ErrorKind::no_space) throw;
  }
}

}  // namespace

StorageLock::StorageLock(io::Dir& dir, const std::string& data_name, io::Owner owner, io::Env& env) {
  const std::string name = data_name + ".lock";
  for (int attempts_left = 4;; --attempts_left) {
    auto [file, made] = open_or_create(dir, name);
    if (!file->try_lock()) {
      throw base::Error(base::ErrorKind::busy, "lock", file->path(), holder(*file))
          .with_hint("a server has the database open: stop it first, or let it pack by zeopack");
    }
    if (made) give_to(owner, *file, dir, name);
    const io::FileStatus status = file->status();
    const auto named = dir.status(name);
    if (named && named->same_file(status)) {
      if (status.links == 1 && status.owner == owner) write_note(*file, env);
      file_ = std::move(file);
      return;
    }
    // Removed between open and lock; once more with the new one.
    if (attempts_left == 0) {
      throw base::Error(base::ErrorKind::busy, "lock", file->path(), "the file keeps changing");
    }
  }
}

}  // namespace filestorage
