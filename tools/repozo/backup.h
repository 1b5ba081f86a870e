// Backing up a database into a repository.
//
//   Repository repository(env, env.open_dir(path, io::Links::administrator));
//   BackupResult result = back_up(repository, {.dir = *data_folder, .name = "Data.fs"}, {});
//
// Reads the source as a live server leaves it: up to the end of the last finished transaction; nothing is
// locked there, and nothing written. A source that is damaged before that is corrupt, and so is one behind
// whose break whole transactions stand: then nothing is written to the repository.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/env.h"
#include "repozo/report.h"
#include "repozo/repository.h"

namespace repozo {

struct Source {
  io::Dir& dir;
  std::string name;        // a plain file in it; never a link
  std::string shown = {};  // in messages; "" for its path
};

struct BackupOptions {
  bool full = false;                         // in any case
  bool quick = false;                        // decide by the last piece alone
  bool gzip = false;                         // compress this backup
  bool compare = false;                      // a full one with all chains: see BackupResult::damage
  bool kill_old = false;                     // after a full backup: remove all others
  std::optional<unsigned> keep_chains = {};  // after a full backup: keep as many whole chains, this one too
  std::uint32_t mode = 0600;                 // of new files
};

enum class Action { none, increment, full };

struct BackupResult {
  Action action = Action::none;
  std::string reason;  // in words, lower case: why this action
  std::string chain;   // stamp of the full backup that the state begins with
  // Of the backup made; with Action::none of the newest one there is.
  std::string stamp;                 // moment in UTC, as in names.h
  std::string name;                  // of the file in the repository
  std::uint64_t start = 0, end = 0;  // the bytes of the source that it holds
  std::uint64_t stored = 0;          // its size in the repository
  std::string md5;                   // of these bytes; "" with Action::none
  std::vector<std::string> removed;  // backup files, by kill_old or keep_chains
  // "", or where the database is not any more what the backup before has of it, though no pack could change
  // it so (first_change.h): it is backed up as it is, and nothing was removed for that. Looked for where
  // backups may be removed and with `compare`, in all chains; in the newest by a comparison without `quick`.
  std::string damage;
};

// Holds the repository's lock meanwhile. What it made is complete and durable when it returns. Errors: busy
// (the lock), not_found (no source), corrupt (the source is damaged, or changed other than by growing),
// no_space, io, unsafe_path. When it throws, the repository holds the backups it held before, or, if the
// error came with the very last step, also the new one.
BackupResult back_up(Repository& repository, const Source& source, const BackupOptions& options,
                     const Report& report = {});

// Removes all chains older than the one with this stamp. A chain goes as a whole, from its last increment to
// its full backup; a crash leaves a shorter chain that is good. Returns the backup files removed. Takes the
// lock; durable when it returns. The caller has verified what stays.
std::vector<std::string> keep_chains_from(Repository& repository, const std::string& stamp,
                                          const Report& report = {});

}  // namespace repozo
