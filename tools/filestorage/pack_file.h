// A new file beside the database, put into place only when it is whole. Like io::AtomicFile, but under a
// temporary name that only packs use (".fspack-NAME.dbtools-<16 hex digits>.tmp"): the sweeps of the hourly
// jobs leave it alone, as they do not take the lock that a pack holds.
//
//   PackFile out(dir, "Data.fs", env);     // exclusive, private
//   out.file().write_full(...);
//   out.seal(owner, mode);                 // owner, mode, sync
//   out.place(name, io::Replace::yes);     // rename: the caller syncs the folder
#pragma once

#include <memory>
#include <string>

#include "io/env.h"

namespace filestorage {

class PackFile {
 public:
  PackFile(io::Dir& dir, const std::string& name, io::Env& env);
  ~PackFile();  // removes it, if it was not placed
  PackFile(const PackFile&) = delete;
  PackFile& operator=(const PackFile&) = delete;

  io::File& file() { return *file_; }
  const std::string& temporary() const { return temporary_; }
  void seal(io::Owner owner, std::uint32_t mode);
  // unsafe_path if somebody put another file under the temporary name.
  void place(const std::string& name, io::Replace replace);

 private:
  io::Dir& dir_;
  std::string temporary_;
  std::unique_ptr<io::File> file_;
  bool placed_ = false;
};

// The word before the name in a temporary name; what a killed pack left of these is swept under the lock.
inline constexpr const char* kPackTemporary = "fspack-";

}  // namespace filestorage
