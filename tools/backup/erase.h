// Starting a school anew: database and blobs are moved aside, never deleted, and `restore --undo` brings them
// back.
#pragma once

#include <cstdint>
#include <string>

#include "io/env.h"
#include "upgrade/instances.h"

namespace backup {

// Whether the blob folder is another instance's too: then it stays where it is.
enum class BlobFolderIs { its_own, shared };

struct ErasePlan {
  bool has_database = false;
  std::uint64_t size = 0;  // bytes of the database
  std::uint64_t transactions = 0;
  bool has_blobs = false;   // the blob folder is there
  bool blobs_stay = false;  // it is shared, or a file system of its own, which cannot be moved
  bool server_runs = false;
};
// Changes nothing. Errors: not_found (there is neither a database nor a blob folder), unsafe_path (the blob
// folder, or the database, is a link, which would be moved without what it leads to).
ErasePlan plan_erase(io::Env& env, const upgrade::Instance& instance, BlobFolderIs blobs);

struct EraseReport {
  std::string database;  // where it is now; empty if there was none
  std::string blobs;     // likewise; empty also if they stay
  bool blobs_stay = false;
  bool started = false, start_failed = false;
};
// Under the instance's lock: closes an open upgrade first (so that no check brings the database back), stops
// the server, moves the database to Data.fs.erased-STAMP and the blob folder to BLOBS.erased-STAMP, and
// starts the server if it ran; it makes a new, blank database then. A blob folder that is shared or a
// file system of its own stays where it is: blobs of no database do no harm in it. Durable when it returns.
// Interrupted, it has moved nothing, the database, or both; running it again moves the rest. Errors: busy
// (the server does not stop), those of the plan, io.
EraseReport erase(io::Env& env, const upgrade::Instance& instance, BlobFolderIs blobs);

}  // namespace backup
