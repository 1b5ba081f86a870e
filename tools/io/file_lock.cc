#include "io/file_lock.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace io {

namespace {

constexpr unsigned kPollMs = 100;
constexpr unsigned kPollsPerSecond = 1000 / kPollMs;
constexpr std::size_t kLongestPurpose = 80;

std::unique_ptr<File> open_or_create(Dir& dir, const std::string& name) {
  for (;;) {
    try {
      return dir.open_file(name, Access::read_write);
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::not_found) throw;
    }
    try {
      return dir.create_file(name, 0600);
    } catch (const base::Error& error) {
      // Another process made it at this moment: that one is as good.
      if (error.kind() != base::ErrorKind::exists) throw;
    }
  }
}

// Whether the name still leads to this file. A lock on a file that was removed or replaced excludes nobody.
bool is_current(Dir& dir, const std::string& name, File& file) {
  const std::optional<FileStatus> named = dir.status(name);
  return named && named->same_file(file.status());
}

// "held by pid 123 (schooltool-db-snapshot)", from whatever stands in the file.
std::string holder(File& file) {
  static constexpr std::string_view unknown = "held by another process";
  std::array<std::byte, 20 + 1 + kLongestPurpose> bytes;
  std::string_view note = base::as_text(base::ByteSpan(bytes).first(file.read_full(0, bytes)));
  note = note.substr(0, note.find('\n'));
  const std::size_t digits = std::min(note.find_first_not_of("0123456789"), note.size());
  if (digits == 0 || digits > 20) return std::string(unknown);
  std::string text = "held by pid " + std::string(note.substr(0, digits));
  const std::string_view purpose = base::trimmed(note.substr(digits));
  if (purpose.empty()) return text;
  // The quotes go, what quoting did to control characters stays.
  const std::string safe = base::quoted(purpose);
  return text + " (" + safe.substr(1, safe.size() - 2) + ")";
}

void write_note(File& file, const std::string& note) {
  try {
    file.truncate(0);
    file.write_full(0, base::as_bytes(note));
  } catch (const base::Error& error) {
    // The lock holds without its note, and freeing space may be what it was taken for.
    if (error.kind() != base::ErrorKind::no_space) throw;
  }
}

}  // namespace

FileLock::FileLock(Dir& dir, const std::string& name, const std::string& purpose, unsigned wait_s, Env& env) {
  // Counted in sleeps, so that a clock that is set meanwhile does not matter.
  for (std::uint64_t polls_left = std::uint64_t{wait_s} * kPollsPerSecond;; --polls_left) {
    std::unique_ptr<File> file = open_or_create(dir, name);
    if (file->try_lock()) {
      if (is_current(dir, name, *file)) {
        write_note(*file, std::to_string(env.process_id()) + " " + purpose.substr(0, kLongestPurpose) + "\n");
        file_ = std::move(file);
        return;
      }
      // Removed between open and lock; once more with the new one.
    } else if (polls_left == 0) {
      throw base::Error(base::ErrorKind::busy, "lock", file->path(), holder(*file));
    }
    if (polls_left == 0)
      throw base::Error(base::ErrorKind::busy, "lock", file->path(), "the file keeps changing");
    file.reset();
    env.sleep_ms(kPollMs);
  }
}

FileLock::~FileLock() {
  if (!file_) return;
  try {
    // Still under the lock: nobody is named who does not hold it. The file itself stays, as others may be
    // waiting on it.
    file_->truncate(0);
  } catch (...) {
    // The next holder overwrites the note.
  }
}

FileLock::FileLock(FileLock&&) noexcept = default;

bool is_locked(Dir& dir, const std::string& name) {
  try {
    return !dir.open_file(name, Access::read)->try_lock();
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) throw;
    return false;
  }
}

}  // namespace io
