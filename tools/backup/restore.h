// Restoring a backup, and undoing that.
//
//   RestorePlan plan = plan_restore(env, instance, std::nullopt);      // what would be done
//   ExchangeReport done = restore(env, instance, plan, {});
//
// The database is put together beside the live one and proven before the server is stopped; from there on as
// exchange.h tells. Nothing of what was live is deleted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backup/exchange.h"
#include "backup/record.h"
#include "base/utc_time.h"
#include "io/env.h"
#include "upgrade/instances.h"

namespace backup {

struct RestorePlan {
  bool undo = false;
  bool finishes = false;    // an interrupted run had come past its swap: that one is finished, and no more
  Record record;            // the backup; of an undo only end and last_tid
  std::string source_path;  // what becomes live
  std::uint64_t blobs_to_add = 0, blob_bytes_to_add = 0;
  // Named by the database, and neither in the live folder nor in an archive (an undo: in what was moved
  // aside).
  std::uint64_t blobs_missing = 0;
  // What is live now.
  bool live_exists = false;
  std::uint64_t live_size = 0;
  base::Tid live_last_tid = 0;
  std::uint64_t transactions_lost = 0;  // of the live database, later than the backup's last
  bool server_runs = false;
  std::uint64_t space_needed = 0, space_free = 0;
  std::uint64_t blob_space_needed = 0, blob_space_free = 0;  // where blobs have a file system of their own
  std::vector<std::string> problems;  // a line for each record of another backup that cannot be read
};

// The newest backup not after `moment`, or the newest of all; corrupt if that may be one whose record is
// damaged or gone. Changes nothing. Errors: not_found (no such backup, with a hint how to see which there
// are; blobs to restore, and no blob folder configured), corrupt (a damaged record, piece or list), no_space.
RestorePlan plan_restore(io::Env& env, const upgrade::Instance& instance,
                         const std::optional<base::UtcTime>& moment);
// What the last restore replaced. Error(not_found) if there was none, or no blob folder is configured for its
// blobs.
RestorePlan plan_undo(io::Env& env, const upgrade::Instance& instance);

// Carries a plan out under the instance's lock. If an interrupted restore or undo had come past its swap,
// that one is finished, and nothing else is done. Errors: as of the plan and of exchange.h; damaged blobs in
// an archive are found before the server is stopped.
ExchangeReport restore(io::Env& env, const upgrade::Instance& instance, const RestorePlan& plan,
                       const StartProgress& progress);

}  // namespace backup
