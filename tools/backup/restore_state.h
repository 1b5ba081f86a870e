// How far a restore came: restore.json in the instance's state folder. It lets the next run finish what was
// interrupted, and --undo find what was replaced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/utc_time.h"
#include "io/env.h"
#include "upgrade/journal.h"

namespace backup {

enum class RestorePhase {
  swapping,  // blobs are being added; the database is the one of before, or already the new one
  clearing,  // the new database is live; blobs that only the old one needs are being moved aside
  done
};

struct RestoreState {
  RestorePhase phase = RestorePhase::done;
  base::UtcTime begun;
  std::string from;             // stamp of the backup; "" for an undo
  upgrade::Fingerprint wanted;  // the database that becomes live
  std::string source;           // its name before the swap
  bool in_vault = false;
  std::uint64_t new_inode = 0;  // of that file: by it the live database is known to be the new one
  std::uint64_t old_inode = 0;  // of the database it replaces; 0 if there was none
  std::string aside;            // path of the folder for its blobs; it is made when there are any
  // What --undo brings back: name of a database beside the live one, and the folder with its blobs. Until
  // `clearing`, that of an earlier restore.
  std::string kept, kept_blobs;
  bool start_server = false;
};

std::optional<RestoreState> load_restore_state(io::Dir& state);
// Durable when it returns.
void save_restore_state(io::Dir& state, const RestoreState& restore, io::Env& env);

}  // namespace backup
