// Making Data.fs.index anew from the data, byte for byte as ZODB writes it.
#pragma once

#include <cstdint>
#include <string>

#include "filestorage/scan.h"
#include "io/copy.h"
#include "io/env.h"

namespace filestorage {

struct RebuildOptions {
  bool dry_run = false;  // only tell
  io::OnProgress progress;
};

struct RebuildReport {
  std::uint64_t objects = 0;   // entries
  std::uint64_t position = 0;  // the data up to here
  std::uint64_t size = 0;      // of the index file in bytes; 0 in a dry run
  Tail tail = Tail::clean;     // behind the position
  bool had_index = false;      // there was one, of whatever content
};

// Replaces `name`.index, with owner and mode of the data file. Durable when it returns; if it throws, the old
// one stands. Held meanwhile: ZODB's own lock, so that no server has the database open, and none opens it.
// Error(busy) if one has; corrupt if the data file is damaged so that ZODB would not open it. A torn end is
// no damage: the index goes up to it.
RebuildReport rebuild_index(io::Dir& dir, const std::string& name, io::Env& env,
                            const RebuildOptions& options);

}  // namespace filestorage
