// What became of the last packs of an instance: pack.json in its state folder, for `schooltool-db status` and
// for the schedule.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/utc_time.h"
#include "io/env.h"

namespace app {

struct PackRecord {
  // The last one that was done.
  std::optional<base::UtcTime> packed;
  bool by_server = false;
  std::uint64_t size_before = 0, size_after = 0;  // bytes
  std::uint64_t objects_removed = 0;
  std::uint64_t seconds = 0;
  // The last time one was due.
  std::optional<base::UtcTime> tried;
  std::string left_out;  // why it was not done then; empty if it was done, or failed
  std::string failure;   // of the last one that was begun; empty unless it failed
};

// An absent or unreadable one is empty: the next run writes it anew. Errors: io.
PackRecord load_pack_record(io::Dir& state);
// Durable when it returns.
void save_pack_record(io::Dir& state, const PackRecord& record, io::Env& env);

// A line to go behind those of upgrade::status_text; empty if there was never a pack.
std::string pack_status_text(const PackRecord& record, base::UtcTime now);
nlohmann::json pack_record_json(const PackRecord& record);

}  // namespace app
