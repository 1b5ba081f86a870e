// The settings of /etc/schooltool-dbtools.conf: one table of keys, defaults and meanings, used for parsing,
// command lines and the test of the man page. Keys have the names of the long options.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/setting.h"

namespace upgrade {

enum class OnBad { warn, roll_back };         // what a check does about a damaged or foreign database
enum class OnSnapshotFailure { stop, warn };  // what a failed snapshot does to the upgrade

enum class PackEvery { never, week, month };
struct MinGain {
  std::uint64_t number = 0;
  bool percent = false;  // of the database; otherwise bytes
  bool operator==(const MinGain&) const = default;
};

struct Settings {
  bool enabled = true;  // enabled = no: the hooks do nothing for this instance
  std::string data;     // path of Data.fs; empty: from the instance's own configuration
  std::string blobs;    // likewise
  std::string service = "schooltool";
  std::vector<std::string> packages = {"schooltool", "schooltool-*", "python-schooltool*",
                                       "python3-schooltool*"};
  unsigned keep = 7;           // generations of Data.fs.N
  unsigned keep_min = 2;       // never fewer, whatever the space
  std::uint64_t min_free = 0;  // bytes that retention tries to keep free (suffixes K M G T, powers of 1000)
  unsigned settle = 300;       // seconds (suffixes s m h d) from the first good check to closing the upgrade
  OnBad on_damaged = OnBad::warn;
  OnBad on_foreign = OnBad::warn;
  OnSnapshotFailure on_snapshot_failure = OnSnapshotFailure::stop;
  unsigned lock_wait = 30;  // seconds a hook waits for another command of ours
  bool backup = true;       // backup = no: `schooltool-db backup --all` leaves this instance out
  std::string backup_dir = "/var/backups/schooltool";  // its repository is the folder of its name below
  unsigned backup_keep = 5;                            // chains: a full backup with its increments
  unsigned backup_keep_min = 2;                        // never fewer, whatever the space
  unsigned backup_max_age_of_full = 7 * 86400;         // seconds until a new chain is begun
  unsigned backup_max_age = 36 * 3600;                 // seconds until the status is an alarm
  PackEvery pack_every = PackEvery::week;              // what `schooltool-db pack --all` keeps to
  unsigned pack_history = 86400;                       // seconds of history that a pack leaves
  MinGain pack_min_gain{10, true};                     // less to be freed is not worth a pack
  unsigned pack_backup_age = 86400;  // seconds; a pack wants a good backup not older than this; 0: none
  bool operator==(const Settings&) const = default;
};

struct SettingSpec {
  std::string key;
  std::string argument;  // "COUNT", "SIZE", "TIME", "yes|no"...
  std::string meaning;   // one sentence, lower case, no full stop
  std::string default_text;
};
const std::vector<SettingSpec>& setting_specs();

// Settings for the instance `name`: defaults, then the keys before any section, then those of [instance
// NAME]. Error(usage) naming file and line for a section that is not [instance NAME], and for an unknown key
// or a value that does not parse before any section or in the section of this instance; mistakes in the
// sections of others are not looked for.
Settings settings_for(const std::string& name, const std::vector<base::Setting>& configured);

// Whether this may be the name of an instance: [A-Za-z0-9][A-Za-z0-9._-]*, at most 64 characters.
bool is_instance_name(const std::string& name);
// NAME of the section "instance NAME"; empty for "". Error(usage) naming file and line for any other section.
std::string instance_of(const base::Setting& setting);

// One key, as given on a command line. A `keep` below keep_min lowers that as well. Error(usage).
void apply_setting(Settings& settings, const std::string& key, const std::string& value);
// Keys and values of one command line, in any order. Error(usage), also for a keep-min above keep.
void apply_settings(Settings& settings, const std::vector<std::pair<std::string, std::string>>& given);

// Seconds in "90", "90s", "5m", "2h" or "1d"; bytes in "500", "500K", "500M", "2G" or "1T". Error(usage).
unsigned parse_duration(const std::string& text);
std::uint64_t parse_size(const std::string& text);

}  // namespace upgrade
