#include "io/atomic_file.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace io {

namespace {

constexpr std::string_view kMark = ".dbtools-";
constexpr std::string_view kSuffix = ".tmp";
constexpr std::size_t kRandomDigits = 16;
constexpr std::uint32_t kPrivate = 0600;

// The NAME in a temporary name; empty if it is none.
std::string_view name_replaced_by(std::string_view name) {
  if (name.size() <= 1 + kMark.size() + kRandomDigits + kSuffix.size()) return {};
  if (!name.starts_with('.') || !name.ends_with(kSuffix)) return {};
  name.remove_prefix(1);
  name.remove_suffix(kSuffix.size());
  const std::string_view digits = name.substr(name.size() - kRandomDigits);
  name.remove_suffix(kRandomDigits);
  if (!name.ends_with(kMark) || digits.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return {};
  name.remove_suffix(kMark.size());
  return name;
}

}  // namespace

std::string temporary_name(const std::string& name, Env& env) {
  return "." + name + std::string(kMark) + base::to_hex(env.random()) + std::string(kSuffix);
}

bool is_temporary_name(const std::string& name) {
  return !name_replaced_by(name).empty();
}

AtomicFile::AtomicFile(Dir& dir, std::string name, Env& env) : dir_(dir), name_(std::move(name)) {
  // 64 random bits do not collide; a few attempts cost nothing and help an Env whose numbers repeat.
  for (int attempts_left = 4; !file_; --attempts_left) {
    temporary_ = temporary_name(name_, env);
    try {
      file_ = dir_.create_file(temporary_, kPrivate);
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::exists || attempts_left == 0) throw;
    }
  }
}

AtomicFile::~AtomicFile() {
  if (placed_) return;
  try {
    file_.reset();
    dir_.remove(temporary_);
  } catch (...) {
    // Nobody is left to be told: the next run's sweep removes it.
  }
}

void AtomicFile::seal(Owner owner, std::uint32_t mode) {
  sealed_ = false;
  // The owner first: a change of owner takes set-user-id bits away, and the new owner gets a private file.
  if (file_->status().owner != owner) file_->set_owner(owner);
  file_->set_mode(mode);
  file_->sync();
  sealed_ = true;
}

void AtomicFile::commit(Replace replace) {
  if (!sealed_) {
    throw base::Error(base::ErrorKind::usage, "replace", dir_.path() + "/" + name_,
                      "the new file was not sealed");
  }
  // In a folder where others may write, the temporary name can have been given to another file.
  const std::optional<FileStatus> named = dir_.status(temporary_);
  if (!named || !named->same_file(file_->status())) {
    throw base::Error(base::ErrorKind::unsafe_path, "rename", file_->path(), "was replaced by somebody else");
  }
  file_->close();
  dir_.rename(temporary_, dir_, name_, replace);
  placed_ = true;
  dir_.sync();
}

void replace_file(Dir& dir, const std::string& name, base::ByteSpan content, Owner owner, std::uint32_t mode,
                  Env& env) {
  AtomicFile out(dir, name, env);
  out.file().write_full(0, content);
  out.seal(owner, mode);
  out.commit(Replace::yes);
}

std::string read_small_file(Dir& dir, const std::string& name, std::size_t limit) {
  const std::unique_ptr<File> file = dir.open_file(name, Access::read);
  // The size is a guess only: the file may be growing.
  std::string content(std::min<std::uint64_t>(file->status().size, limit) + 1, '\0');
  std::size_t length = 0;
  for (;;) {
    length += file->read_full(length, std::as_writable_bytes(std::span(content).subspan(length)));
    if (length > limit) {
      throw base::Error(base::ErrorKind::corrupt, "read", file->path(),
                        "is larger than " + base::human_size(limit));
    }
    if (length < content.size()) break;
    content.resize(std::min(content.size() * 2, limit + 1));
  }
  content.resize(length);
  return content;
}

std::vector<std::string> sweep_temporaries(Dir& dir, const std::string& base) {
  std::vector<std::string> removed;
  for (const std::string& name : dir.list()) {
    const std::string_view replaced = name_replaced_by(name);
    if (replaced.empty() || (replaced != base && !replaced.starts_with(base + "."))) continue;
    const std::optional<FileStatus> found = dir.status(name);
    if (!found || (found->type != FileType::regular && found->type != FileType::symlink)) continue;
    try {
      dir.remove(name);
    } catch (const base::Error& error) {
      if (error.kind() == base::ErrorKind::not_found) continue;
      throw;
    }
    removed.push_back(name);
  }
  return removed;
}

}  // namespace io
