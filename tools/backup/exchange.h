// Swapping the live pair of database and blobs for another one, so that at every moment one of the two is
// live and complete, whatever interrupts it:
//
//   1. the server is stopped;
//   2. restore.json says what is going on;
//   3. blobs that only the new database needs are added to the live folder: right for both databases;
//   4. the database is swapped (upgrade/rollback.h): the old one is kept under another name;
//   5. blobs that only the old one needs are moved aside, into BLOBS.replaced-STAMP; they stay where the blob
//      folder is a file system of its own;
//   6. restore.json says done; the server is started.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backup/pair.h"
#include "backup/put_blobs.h"
#include "backup/restore_state.h"
#include "io/env.h"
#include "upgrade/instances.h"
#include "upgrade/rollback.h"

namespace backup {

struct ExchangeReport {
  std::string displaced_to;  // full path of the database that was live; empty if there was none
  std::string aside;         // folder with its blobs; empty if all of them are needed still
  std::uint64_t blobs_added = 0, blobs_moved = 0;
  std::uint64_t blobs_left = 0;  // not needed, but in a blob folder out of which nothing can be moved
  bool started = false, start_failed = false;
  bool finished_earlier_run = false;  // nothing was begun; an interrupted run was finished
  bool as_asked = true;               // false: and that run was of another backup
};

// `source` lies beside the live database or in the vault and is moved to its place; its fingerprint is proven
// again first. Under the instance's lock. Errors: busy (the server does not stop), corrupt, no_space, io. If
// it throws before the swap, the old pair is live and a server that was stopped runs again; after it, the new
// one, and running the restore again finishes the rest.
ExchangeReport exchange(io::Env& env, const upgrade::Instance& instance, io::Dir& state,
                        const upgrade::RollbackSource& source, const std::string& from_stamp,
                        const BlobSources& blobs, const StartProgress& progress);

// Whether there is something for finish_exchange() to do. Changes nothing.
bool has_unfinished_exchange(io::Env& env, const upgrade::Instance& instance);

// Goes on after an interruption if the swap had happened; empty if there is nothing to finish. Under the
// instance's lock.
std::optional<ExchangeReport> finish_exchange(io::Env& env, const upgrade::Instance& instance,
                                              io::Dir& state);

}  // namespace backup
