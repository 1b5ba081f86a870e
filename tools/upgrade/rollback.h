// Putting a database back: the one that was there before an upgrade, or a generation chosen by hand.
//
// Order on disk: the source is copied to a private temporary and proven there (digest, transactions); owner,
// mode, sync; the stale index goes; the live file gets its second name Data.fs.<word>-<stamp>, so that it is
// never deleted; the temporary is renamed over Data.fs; a right index is written; the journal says so. Its
// blob folder, if it was moved away, comes back before that (a blank database does not miss the other one).
// At every point Data.fs is the old or the new database, complete (or absent, if it was absent). The server
// is stopped before and its lock held meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/copy.h"
#include "io/env.h"
#include "upgrade/blob_folder.h"
#include "upgrade/data_folder.h"
#include "upgrade/instances.h"
#include "upgrade/journal.h"
#include "upgrade/service.h"

namespace upgrade {

struct RollbackSource {
  std::string name;  // in the data folder, or in the vault
  bool in_vault = false;
  bool compressed = false;
  Fingerprint database;  // what it holds; proven again when it is put back
};

struct RollbackPlan {
  RollbackSource source;
  std::string word;                        // for the name the live file is kept under
  std::optional<std::uint64_t> live_size;  // empty if there is no live file
  bool stop_server = false;
  bool start_server = false;
  // There is no space for a second copy: the source itself becomes the live file.
  bool move_instead_of_copy = false;
  // The folder of its blobs, if known: put back as well, should it have been moved away.
  std::optional<BlobFolder> blobs;
  // The files as they were found.
  io::FileStatus source_file;
  std::optional<io::FileStatus> live_file;
};

// The copy of the database with this fingerprint: in the vault, or any generation, whatever its name, for the
// package's scripts may have moved it. Reads them until one matches, plain ones first. Empty if none does.
std::optional<RollbackSource> find_source(DataFolder& folder, const Fingerprint& wanted,
                                          const std::string& held);
// A plain generation that starts with exactly these bytes and goes on soundly, with transactions that are all
// older than `before` (0: whenever): what was entered between the copy and the server's stop, where the
// package's script has moved the live file there. Of several, the longest. Its owner and mode are those
// wanted. Empty also if one cannot be read: the copy itself will do then.
std::optional<RollbackSource> find_longer(DataFolder& folder, const Fingerprint& wanted, base::Tid before);
// A source chosen by hand: a generation ("0", "3", "Data.fs.3.gz") or a displaced database by its name.
// Error(not_found, corrupt): the named file is read and has to be whole. Of a compressed one, only size, last
// tid and digest are known.
RollbackSource source_named(DataFolder& folder, const std::string& name);

// `word` as in displaced_name. Changes nothing. Error(no_space) if there is room neither for a copy nor for a
// move.
RollbackPlan plan_rollback(DataFolder& folder, const RollbackSource& source, const std::string& word,
                           bool start_server);

// Whether source and live file are still those that the plan was made for. To be asked under the instance's
// lock, where time has passed since.
bool still_fits(DataFolder& folder, const RollbackPlan& plan);

struct RollbackReport {
  std::string displaced_to;  // full path; empty if there was no live file
  bool started = false;      // the start of the server was asked for and not refused
  bool start_failed = false;
  BlobsBack blobs;
};
// Carries it out; call it under the instance's lock and write the journal afterwards. Errors: corrupt (the
// source did not prove whole), no_space, busy (the server does not stop), unsafe_path, io; the live file
// stands then, and a server that was stopped is started again.
RollbackReport carry_out(io::Env& env, DataFolder& folder, const RollbackPlan& plan, Service& service,
                         const io::OnProgress& progress);

}  // namespace upgrade
