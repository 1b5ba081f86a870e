// `schooltool-db pack`: one instance, through its server where one runs, offline where none does.
//
// Order: the instance's lock (so never together with a backup or an upgrade), the schedule, an estimate of
// what would be freed, a recent good backup, the space for the packed file and for the full backup that
// follows a pack; then the pack, and the record of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/pack_progress.h"
#include "app/pack_record.h"
#include "backup/outcome.h"
#include "filestorage/pack.h"
#include "io/env.h"
#include "upgrade/instances.h"
#include "zeo/network.h"

namespace app {

struct PackJobRequest {
  bool scheduled = false;       // keep to pack-every and pack-min-gain, as cron does
  bool without_backup = false;  // do not ask for a recent good backup
  unsigned wait_s = 0;          // seconds, for another command that has the instance
  // For the estimate and the offline pack, as in filestorage::PackRequest; may be empty.
  std::function<io::OnProgress(std::uint64_t total)> progress;
  // For the pack of a server; may be empty.
  std::function<std::unique_ptr<PackProgress>()> server_progress;
};

// What is known before anything is decided.
struct PackFacts {
  base::UtcTime now;
  std::optional<base::UtcTime> packed;            // last time
  std::optional<base::UtcTime> backed_up;         // last good backup
  std::string doubt;                              // what that showed of the database; "" if all was well
  bool server_runs = false;                       // it has the database open
  std::uint64_t size_before = 0, size_after = 0;  // estimated
  bool worth_it = false;                          // the estimate says that something would go
  std::uint64_t free_for_data = 0, free_for_backup = 0;  // bytes
  bool shared_space = false;                             // both are the same ones
  std::uint64_t old_size = 0;                            // of the Data.fs.old of an earlier pack
};

struct PackDecision {
  enum class What { online, offline, leave_out } what = What::leave_out;
  std::string why;  // for leave_out
};
// Whether one is due at all: the question that costs nothing.
std::optional<std::string> reason_to_wait(const upgrade::Settings& settings, const PackFacts& facts);
// The rest. Errors: not_found (no recent good backup), no_space, unsupported (a server that has the database
// open, and no address to talk to it).
PackDecision decide_pack(const upgrade::Instance& instance, const PackFacts& facts,
                         const PackJobRequest& request);

struct PackJobReport {
  PackDecision decision;
  filestorage::PackPlan estimate;
  PackRecord record;  // as it stands afterwards
};
// Carries all of it out; a failure is recorded, and thrown. Errors: busy (another command, an upgrade,
// another pack, or a server that starts in this moment), which is recorded as left out; those of decide_pack,
// filestorage::pack and zeo::pack_server. A server is waited for no longer than a day. Whatever fails, the
// database stands whole.
PackJobReport pack_instance(io::Env& env, zeo::Network& network, const upgrade::Instance& instance,
                            const PackJobRequest& request);
// What it would do; changes nothing and takes no lock.
PackJobReport plan_pack_instance(io::Env& env, const upgrade::Instance& instance,
                                 const PackJobRequest& request);

}  // namespace app
