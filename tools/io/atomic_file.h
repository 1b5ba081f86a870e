// Replacing or adding a file so that a crash leaves the old or the new, complete.
//
//   AtomicFile out(dir, "Data.fs.0", env);      // exclusive private temporary, mode 0600
//   out.file().write_full(...);
//   out.seal(owner, 0640);                      // owner, mode, sync
//   out.commit(Replace::yes);                   // close, rename, sync of the folder
//
// Without commit() the destructor removes the temporary. A killed process leaves one; sweep_temporaries()
// removes those.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/env.h"

namespace io {

// ".NAME.dbtools-<16 hex digits>.tmp": tells what it is, and no other program uses it.
std::string temporary_name(const std::string& name, Env& env);
bool is_temporary_name(const std::string& name);

class AtomicFile {
 public:
  AtomicFile(Dir& dir, std::string name, Env& env);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  File& file() { return *file_; }
  const std::string& temporary() const { return temporary_; }
  // Sets owner and mode, then syncs; the file stays open under its temporary name and may be read back before
  // commit().
  void seal(Owner owner, std::uint32_t mode);
  // Renames (after seal) and syncs the folder: durable when it returns. With Replace::no an existing name is
  // exists. If it throws, the name holds the old or the new file, complete. unsafe_path if somebody put
  // another file under the temporary name.
  void commit(Replace replace);

 private:
  Dir& dir_;
  std::string name_, temporary_;
  std::unique_ptr<File> file_;
  bool sealed_ = false;
  bool placed_ = false;  // the temporary name is gone
};

// Replaces a small file. Durable when it returns; the old content stands if it throws before the rename.
void replace_file(Dir& dir, const std::string& name, base::ByteSpan content, Owner owner, std::uint32_t mode,
                  Env& env);
// Whole content of a regular file; corrupt if it is longer than `limit` bytes.
std::string read_small_file(Dir& dir, const std::string& name, std::size_t limit);
// Removes leftovers of killed runs: temporaries made for `base` or for a name that starts with `base` and a
// dot ("Data.fs" covers those of Data.fs, Data.fs.0 and Data.fs.index). Only plain files, and links planted
// under such a name (never what they lead to). Call it only under the lock that all writers of these names
// take. Returns what it removed.
std::vector<std::string> sweep_temporaries(Dir& dir, const std::string& base);

}  // namespace io
