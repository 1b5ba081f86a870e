// Data.fs.lock as ZODB takes it: whoever holds it may write to the database. While it is held no server opens
// the file; while a server has it open, it is not to be had.
#pragma once

#include <memory>
#include <string>

#include "io/env.h"

namespace filestorage {

class StorageLock {
 public:
  // Takes the lock without waiting. Error(busy), naming the holder as far as the file tells, if it is taken.
  // The file is made if absent, for the database's owner, so that a server can take it later; it stays, as
  // ZODB's does. A file that is not the owner's alone (a link to something else) is locked but not written.
  StorageLock(io::Dir& dir, const std::string& data_name, io::Owner owner, io::Env& env);

 private:
  std::unique_ptr<io::File> file_;  // the lock goes when it is closed
};

}  // namespace filestorage
