// One backup: a piece of the database and the blobs it names, stored and recorded as a pair.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backup/outcome.h"
#include "backup/record.h"
#include "io/copy.h"
#include "io/env.h"
#include "repozo/backup.h"
#include "upgrade/instances.h"

namespace backup {

// For a task of so many bytes (0: not known).
using StartProgress = std::function<io::OnProgress(const std::string& task, std::uint64_t bytes)>;

struct PairPlan {
  bool full = false;
  std::string reason;       // why a full backup; "" for an increment
  std::uint64_t bytes = 0;  // of the database
  std::uint64_t new_blobs = 0, new_blob_bytes = 0, missing = 0;
  std::uint64_t space_needed = 0, space_free = 0;
};

// What make_pair() would do; the blobs are found by reading the live database. A database that was packed
// turns out to be so only in the backup itself, which is a full one then. Changes nothing.
PairPlan plan_pair(io::Env& env, const upgrade::Instance& instance, bool full);

// The bytes that make_pair() asks for before a full backup of a database of this size; those for blobs that
// no archive has come on top.
std::uint64_t space_for_full(std::uint64_t database);

struct PairResult {
  repozo::Action action = repozo::Action::none;
  std::string reason;
  Record record;  // with Action::none that of the newest backup
  std::vector<std::string> warnings;
  std::optional<std::uint64_t> size_before;
  // "", or where the database is not what it was though no pack could change it so (repozo::BackupResult).
  std::string damage;
  // The database is smaller than in this backup, and neither was it packed nor does it go on from there.
  std::optional<Larger> larger;
};

struct PairRequest {
  bool full = false;
  // The database shrank before: the backup before that, with which it is compared.
  std::optional<Larger> larger;
  bool accept = false;  // a person says that the database is right
};

// Call it under the instance's lock. First the database (repozo), then the blobs which that very copy names
// and no archive holds yet, then the check of what was written, then the record; all durable when it returns.
// What an interrupted run left without a record is completed, or, if it is damaged, followed by a full
// backup. If the database is packed or replaced while its blobs are read, all of it is done anew once.
// Errors: no_space (asked before anything is written); not_found (no database); unsafe_path, corrupt (the
// source; a blob that changes or is not ours); io. Then the backups of before stand.
PairResult make_pair(io::Env& env, const upgrade::Instance& instance, const PairRequest& request,
                     const StartProgress& progress);

}  // namespace backup
