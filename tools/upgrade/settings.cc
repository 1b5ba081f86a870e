#include "upgrade/settings.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace upgrade {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

[[noreturn]] void refuse(const std::string& reason) {
  throw base::Error(base::ErrorKind::usage, "", "", reason);
}

// "'500X' is not a size: ..."
[[noreturn]] void refuse_value(const std::string& value, const std::string& expected) {
  refuse(base::quoted(value) + " is not " + expected);
}

bool only_has(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return kLetters.find(c) != std::string_view::npos || kDigits.find(c) != std::string_view::npos ||
           more.find(c) != std::string_view::npos;
  });
}

// A whole number before one of the suffixes, times its factor; empty if the text has another form or is too
// large.
struct Suffix {
  char letter;
  std::uint64_t factor;
};
std::optional<std::uint64_t> parse_number(std::string_view text, std::initializer_list<Suffix> suffixes) {
  std::uint64_t factor = 1;
  for (const Suffix& suffix : suffixes)
    if (!text.empty() && text.back() == suffix.letter) {
      factor = suffix.factor;
      text.remove_suffix(1);
      break;
    }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
  return number * factor;
}

unsigned parse_count(const std::string& value) {
  const auto number = parse_number(value, {});
  if (!number || *number < 1 || *number > 1000) refuse_value(value, "a number from 1 to 1000");
  return static_cast<unsigned>(*number);
}

bool parse_switch(const std::string& value) {
  if (value == "yes" || value == "true" || value == "on") return true;
  if (value == "no" || value == "false" || value == "off") return false;
  refuse_value(value, "yes or no");
}

OnBad parse_on_bad(const std::string& value) {
  if (value == "warn") return OnBad::warn;
  if (value == "rollback") return OnBad::roll_back;
  refuse_value(value, "warn or rollback");
}

OnSnapshotFailure parse_on_snapshot_failure(const std::string& value) {
  if (value == "stop") return OnSnapshotFailure::stop;
  if (value == "warn") return OnSnapshotFailure::warn;
  refuse_value(value, "stop or warn");
}

PackEvery parse_pack_every(const std::string& value) {
  if (value == "week") return PackEvery::week;
  if (value == "month") return PackEvery::month;
  if (value == "never") return PackEvery::never;
  refuse_value(value, "week, month or never");
}

MinGain parse_min_gain(const std::string& value) {
  if (!value.ends_with('%')) return {parse_size(value), false};
  const std::uint64_t percent = parse_size(value.substr(0, value.size() - 1));
  if (percent > 100) refuse_value(value, "a size, or a percentage up to 100%");
  return {percent, true};
}

std::string parse_path(const std::string& value) {
  const std::vector<std::string> parts = base::split(value, '/');
  const bool absolute = parts.size() >= 2 && parts.front().empty();
  if (!absolute || std::any_of(parts.begin() + 1, parts.end(), [](const std::string& part) {
        return part.empty() || part == "." || part == "..";
      }))
    refuse_value(value, "an absolute path without '.', '..' or '//'");
  return value;
}

std::string parse_service(const std::string& value) {
  if (value.empty() || value.front() == '-' || !only_has(value, "@._:-"))
    refuse_value(value, "a service name");
  return value;
}

std::vector<std::string> parse_packages(const std::string& value) {
  std::string words = value;
  std::replace_if(
      words.begin(), words.end(), [](char c) { return c == ',' || c == '\t'; }, ' ');
  std::vector<std::string> packages;
  for (const std::string& word : base::split(words, ' ')) {
    if (word.empty()) continue;
    if (!only_has(word, "+.-*?") || word.front() == '-') refuse_value(word, "a package name or pattern");
    packages.push_back(word);
  }
  if (packages.empty()) refuse_value(value, "a list of packages");
  return packages;
}

// The one table of keys: what to tell about each, and how to take its value.
struct Key {
  SettingSpec spec;
  void (*apply)(Settings&, const std::string&);
};

const std::vector<Key>& keys() {
  static const std::vector<Key> table = {
      {{"enabled", "yes|no", "whether upgrades of this instance are guarded", "yes"},
       [](Settings& s, const std::string& value) { s.enabled = parse_switch(value); }},
      {{"data", "PATH", "the database file", "from the instance's zeo.conf or schooltool.conf"},
       [](Settings& s, const std::string& value) { s.data = parse_path(value); }},
      {{"blobs", "PATH", "the folder of its blobs", "from the instance's zeo.conf or schooltool.conf"},
       [](Settings& s, const std::string& value) { s.blobs = parse_path(value); }},
      {{"service", "NAME", "the service that owns the database", "schooltool"},
       [](Settings& s, const std::string& value) { s.service = parse_service(value); }},
      {{"packages", "LIST", "packages whose upgrade may touch the database",
        "schooltool schooltool-* python-schooltool* python3-schooltool*"},
       [](Settings& s, const std::string& value) { s.packages = parse_packages(value); }},
      {{"keep", "COUNT", "generations of the database to keep", "7"},
       [](Settings& s, const std::string& value) {
         s.keep = parse_count(value);
         s.keep_min = std::min(s.keep_min, s.keep);
       }},
      {{"keep-min", "COUNT", "generations to keep even if the disk is short of space", "2"},
       [](Settings& s, const std::string& value) { s.keep_min = parse_count(value); }},
      {{"min-free", "SIZE", "space to keep free by removing older generations", "0"},
       [](Settings& s, const std::string& value) { s.min_free = parse_size(value); }},
      {{"settle", "TIME", "how long after the first good check an upgrade is closed", "5m"},
       [](Settings& s, const std::string& value) { s.settle = parse_duration(value); }},
      {{"on-damaged", "warn|rollback", "what to do about a damaged database", "warn"},
       [](Settings& s, const std::string& value) { s.on_damaged = parse_on_bad(value); }},
      {{"on-foreign", "warn|rollback", "what to do about another database in its place", "warn"},
       [](Settings& s, const std::string& value) { s.on_foreign = parse_on_bad(value); }},
      {{"on-snapshot-failure", "stop|warn", "what a failed snapshot does to the upgrade", "stop"},
       [](Settings& s, const std::string& value) {
         s.on_snapshot_failure = parse_on_snapshot_failure(value);
       }},
      {{"lock-wait", "TIME", "how long a hook waits for another command", "30s"},
       [](Settings& s, const std::string& value) { s.lock_wait = parse_duration(value); }},
      {{"backup", "yes|no", "whether 'schooltool-db backup --all' backs up this instance", "yes"},
       [](Settings& s, const std::string& value) { s.backup = parse_switch(value); }},
      {{"backup-dir", "PATH", "the folder that holds a repository for each instance",
        "/var/backups/schooltool"},
       [](Settings& s, const std::string& value) { s.backup_dir = parse_path(value); }},
      {{"backup-keep", "COUNT", "full backups to keep, each with its increments", "5"},
       [](Settings& s, const std::string& value) {
         s.backup_keep = parse_count(value);
         s.backup_keep_min = std::min(s.backup_keep_min, s.backup_keep);
       }},
      {{"backup-keep-min", "COUNT", "full backups to keep even if the disk is short of space", "2"},
       [](Settings& s, const std::string& value) { s.backup_keep_min = parse_count(value); }},
      {{"backup-max-age-of-full", "TIME", "how old a full backup gets before the next one is made", "7d"},
       [](Settings& s, const std::string& value) { s.backup_max_age_of_full = parse_duration(value); }},
      {{"backup-max-age", "TIME", "how old the last backup gets before the status is an alarm", "36h"},
       [](Settings& s, const std::string& value) { s.backup_max_age = parse_duration(value); }},
      {{"pack-every", "week|month|never", "how often 'schooltool-db pack --all' packs this instance", "week"},
       [](Settings& s, const std::string& value) { s.pack_every = parse_pack_every(value); }},
      {{"pack-history", "TIME", "how much history a pack leaves to be undone", "1d"},
       [](Settings& s, const std::string& value) { s.pack_history = parse_duration(value); }},
      {{"pack-min-gain", "SIZE|PERCENT%", "a pack that would free less is left out", "10%"},
       [](Settings& s, const std::string& value) { s.pack_min_gain = parse_min_gain(value); }},
      {{"pack-backup-age", "TIME", "how old the last good backup may be for a pack; 0: none is needed", "1d"},
       [](Settings& s, const std::string& value) { s.pack_backup_age = parse_duration(value); }},
  };
  return table;
}

// Applies what one source says, each `keep` before its `keep-min` so that their order there does not matter.
void apply_scope(Settings& settings, std::vector<base::Setting> scope) {
  std::stable_partition(scope.begin(), scope.end(),
                        [](const base::Setting& setting) { return setting.key.ends_with("keep"); });
  for (const base::Setting& setting : scope) {
    const std::string where =
        setting.line == 0 ? "" : setting.file + " line " + std::to_string(setting.line) + ": ";
    try {
      apply_setting(settings, setting.key, setting.value);
    } catch (const base::Error& error) {
      refuse(where + error.reason());
    }
    if (setting.key == "keep-min" && settings.keep_min > settings.keep)
      refuse(where + "keep-min: " + setting.value + " is more than keep, which is " +
             std::to_string(settings.keep));
    if (setting.key == "backup-keep-min" && settings.backup_keep_min > settings.backup_keep)
      refuse(where + "backup-keep-min: " + setting.value + " is more than backup-keep, which is " +
             std::to_string(settings.backup_keep));
  }
}

[[noreturn]] void refuse_at(const base::Setting& setting, const std::string& reason) {
  refuse(setting.file + " line " + std::to_string(setting.line) + ": " + reason);
}

}  // namespace

const std::vector<SettingSpec>& setting_specs() {
  static const std::vector<SettingSpec> specs = [] {
    std::vector<SettingSpec> all;
    for (const Key& key : keys()) all.push_back(key.spec);
    return all;
  }();
  return specs;
}

bool is_instance_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && only_has(name, "._-") && only_has(name.substr(0, 1), "");
}

std::string instance_of(const base::Setting& setting) {
  static constexpr std::string_view word = "instance";
  if (setting.section.empty()) return "";
  const std::string_view section = setting.section;
  const std::string_view name = section.substr(std::min(word.size(), section.size()));
  if (!section.starts_with(word) || !(name.starts_with(' ') || name.starts_with('\t')))
    refuse_at(setting, "unknown section " + base::quoted(setting.section) + ": not [instance NAME]");
  std::string trimmed_name(base::trimmed(name));
  if (!is_instance_name(trimmed_name))
    refuse_at(setting, base::quoted(trimmed_name) + " is not a name for an instance");
  return trimmed_name;
}

Settings settings_for(const std::string& name, const std::vector<base::Setting>& configured) {
  std::vector<base::Setting> general, own;
  for (const base::Setting& setting : configured) {
    const std::string instance = instance_of(setting);
    if (instance.empty() && (setting.key == "data" || setting.key == "blobs"))
      refuse_at(setting, "key " + base::quoted(setting.key) + " belongs into a section [instance NAME]");
    if (instance.empty()) general.push_back(setting);
    if (!instance.empty() && instance == name) own.push_back(setting);
  }
  Settings settings;
  apply_scope(settings, std::move(general));
  apply_scope(settings, std::move(own));
  return settings;
}

void apply_setting(Settings& settings, const std::string& key, const std::string& value) {
  for (const Key& known : keys()) {
    if (known.spec.key != key) continue;
    try {
      return known.apply(settings, value);
    } catch (const base::Error& error) {
      refuse(key + ": " + error.reason());
    }
  }
  refuse("unknown key " + base::quoted(key));
}

void apply_settings(Settings& settings, const std::vector<std::pair<std::string, std::string>>& given) {
  std::vector<base::Setting> scope;
  scope.reserve(given.size());
  for (const auto& [key, value] : given) scope.push_back({"", key, value, "", 0});
  apply_scope(settings, std::move(scope));
}

unsigned parse_duration(const std::string& text) {
  constexpr std::uint64_t year = std::uint64_t{366} * 24 * 3600;
  const auto seconds = parse_number(text, {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}});
  if (!seconds || *seconds > year)
    refuse_value(text, "a time of at most 366 days, like 90, 90s, 5m, 2h or 1d");
  return static_cast<unsigned>(*seconds);
}

std::uint64_t parse_size(const std::string& text) {
  const auto bytes = parse_number(
      text,
      {{'K', 1000}, {'M', 1000 * 1000}, {'G', 1000 * 1000 * 1000}, {'T', 1000ULL * 1000 * 1000 * 1000}});
  if (!bytes) refuse_value(text, "a size, like 1000000, 500M or 2G");
  return *bytes;
}

}  // namespace upgrade
