// What is known about an instance between two runs: one small JSON file, state.json, in the root-only folder
// /var/lib/schooltool-dbtools/<instance>, replaced atomically. It is the file that makes a step count:
// whatever a snapshot or rollback put on disk before, it is the journal that says so, and it is written last.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/utc_time.h"
#include "io/env.h"
#include "io/file_lock.h"
#include "upgrade/blob_folder.h"

namespace upgrade {

inline constexpr const char* kStateRoot = "/var/lib/schooltool-dbtools";

enum class Verdict {
  unchanged,  // byte for byte as before
  grown,      // what was before is a prefix of it
  packed,     // same last transaction, its objects still there but for garbage
  evolved,    // later transactions, its objects still there
  sound,      // nothing to compare with, but intact
  missing,    // no file
  blank,      // no transactions, only a root, only zero bytes, or a fresh bootstrap
  truncated,  // a strict prefix of what was before, perhaps followed by zero bytes: it has nothing of its own
  foreign,    // an intact database that does not descend from the one before
  damaged     // broken inside, or objects went back to older revisions
};
const char* to_string(Verdict verdict);
std::optional<Verdict> verdict_from(const std::string& word);
// unchanged ... sound
bool is_healthy(Verdict verdict);
// missing, blank, truncated: nothing can be lost by putting the database of before back.
bool is_empty_handed(Verdict verdict);

// What a database was, up to the end of its last complete transaction.
struct Fingerprint {
  std::uint64_t size = 0;  // bytes up to that end
  std::uint64_t transactions = 0, records = 0, objects = 0;
  base::Tid first_tid = 0, last_tid = 0;
  std::string xxh128;  // of these bytes
  io::Owner owner;
  std::uint32_t mode = 0;
};

struct PackageChange {
  std::string name, old_version, new_version;  // versions may be empty where they could not be told
};

// What stood there when the upgrade was opened.
enum class Before { database, blank, absent };
const char* to_string(Before before);

struct OpenUpgrade {
  std::string id;
  base::UtcTime opened;
  std::string by;  // "apt", "dpkg", "preinst"
  // Where the database is: the upgrade may take the instance's configuration away.
  std::string data_dir, data_name;
  std::vector<PackageChange> packages;
  Before before = Before::absent;
  Fingerprint database;  // unless absent
  std::string held;      // name in the vault; empty if nothing is held
  std::optional<BlobFolder> blobs;
  bool server_was_running = false;
  std::optional<base::UtcTime> good_since;  // first healthy check after the packages were configured
  unsigned rollbacks = 0;                   // automatic ones during this upgrade
  // What a service's start did, told in its log only: the next hook says it again, where a person looks on.
  std::vector<std::string> untold;
  std::string data_path() const { return data_dir + "/" + data_name; }
};

struct Outcome {
  base::UtcTime at;
  Verdict verdict = Verdict::sound;
  std::string reason;
  std::string action;  // "rolled back", "closed", "waiting", "waiting for a person", "restored", "erased"
  std::string detail;  // names what was put where
  bool operator==(const Outcome&) const = default;
};

struct Journal {
  // Makes it the last outcome. One that replaced the database stays known beside those of later checks.
  void remember(const Outcome& outcome, bool replaced);

  std::optional<OpenUpgrade> open;
  std::optional<Fingerprint> snapshot;  // of the newest good snapshot we know
  std::optional<base::UtcTime> snapshot_taken;
  std::optional<Outcome> last;
  std::optional<Outcome> last_replaced;  // rolled back, restored or erased
};

// The folder of one instance, made if absent (0700). Error(unsafe_path) if others than root may write to it.
std::unique_ptr<io::Dir> open_state(io::Env& env, const std::string& instance);
// Without making anything; null if it does not exist.
std::unique_ptr<io::Dir> find_state(io::Env& env, const std::string& instance);
// The lock held by any command that writes for the instance.
io::FileLock lock_instance(io::Dir& state, const std::string& purpose, unsigned wait_s, io::Env& env);

// An absent journal is an empty one. Error(corrupt), with a hint, if it cannot be read.
Journal load_journal(io::Dir& state);
// Durable when it returns.
void save_journal(io::Dir& state, const Journal& journal, io::Env& env);

// JSON text of the parts, for --json reports.
std::string journal_json(const Journal& journal);

}  // namespace upgrade
