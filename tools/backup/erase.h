// Starting a school anew: database and blobs are moved aside, never deleted, and `restore --undo` brings them
// back.
#pragma once

#include <cstdint>
#include <string>

#include "io/env.h"
#include "upgrade/instances.h"

namespace backup {

struct ErasePlan {
  bool has_database = false;
  std::uint64_t size = 0;  // bytes of the database
  std::uint64_t transactions = 0;
  bool has_blobs = false;  // the blob folder is there
  bool server_runs = false;
};
// Changes nothing. Error(not_found) if there is neither a database nor a blob folder.
ErasePlan plan_erase(io::Env& env, const upgrade::Instance& instance);

struct EraseReport {
  std::string database;  // where it is now; empty if there was none
  std::string blobs;     // likewise
  bool started = false, start_failed = false;
};
// Under the instance's lock: closes an open upgrade first (so that no check brings the database back), stops
// the server, moves the database to Data.fs.erased-STAMP and the blob folder to BLOBS.erased-STAMP, and
// starts the server if it ran; it makes a new, blank database then. Durable when it returns. Interrupted, it
// has moved nothing, the database, or both; running it again moves the rest. Errors: busy (the server does
// not stop), not_found, unsafe_path, io.
EraseReport erase(io::Env& env, const upgrade::Instance& instance);

}  // namespace backup
