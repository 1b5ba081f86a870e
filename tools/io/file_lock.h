// A lock between our own programs: flock on a file that names its holder.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/env.h"

namespace io {

class FileLock {
 public:
  // Takes the lock, waiting up to `wait_s` seconds (0: not at all). The file is made (mode 0600) if absent,
  // and holds "<pid> <purpose>\n" while locked. busy, naming the holder, if it stays taken.
  FileLock(Dir& dir, const std::string& name, const std::string& purpose, unsigned wait_s, Env& env);
  ~FileLock();
  FileLock(FileLock&&) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  std::unique_ptr<File> file_;
};

// Whether somebody holds a flock on this file; false if it is absent. Does not wait and leaves no lock
// behind; but flock(2) cannot only ask: for some microseconds the lock is ours, and who wants it then fails.
// unsafe_path if the name is not a regular file.
bool is_locked(Dir& dir, const std::string& name);

}  // namespace io
