#include "upgrade/begin.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "filestorage/scan.h"
#include "upgrade/data_folder.h"
#include "upgrade/fingerprint.h"
#include "upgrade/notice.h"
#include "upgrade/rollback.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

// apt's hook, dpkg's hook and a package's own preinst may all come for one upgrade. It has been begun if
// nothing was written to the database since, and the copy stands, as a file of its own (where there was no
// space, it may have become the live one).
bool is_begun(DataFolder& folder, const OpenUpgrade& open) {
  if (open.good_since || open.rollbacks > 0)
    return false;  // that one has been through its configuration already
  const auto live = folder.open_live();
  if (open.before == Before::absent) return !live;
  io::Dir* vault = folder.find_vault();
  const auto held = vault != nullptr && !open.held.empty() ? vault->status(open.held) : std::nullopt;
  if (!live || !held || held->same_file(live->status())) return false;
  const std::uint64_t end = filestorage::find_end(*live, live->status().size);
  return end == open.database.size && last_tid(*live, end) == open.database.last_tid;
}

// Of the packages of the hook that comes now, those that the earlier one did not tell are added: all have to
// be configured before the upgrade is over.
void add_packages(OpenUpgrade& open, const std::vector<PackageChange>& packages) {
  for (const PackageChange& change : packages) {
    const bool known = std::any_of(open.packages.begin(), open.packages.end(),
                                   [&](const PackageChange& other) { return other.name == change.name; });
    if (!known) open.packages.push_back(change);
  }
}

// Puts the database of before the earlier upgrade back where that loses nothing; refuses where a person has
// to decide.
std::optional<CheckReport> settle_earlier(io::Env& env, const Instance& instance, io::Dir& state,
                                          Journal& journal) {
  CheckRequest request;
  request.caller = Caller::person;
  request.repair = true;
  CheckReport report = check_open_upgrade(env, instance, request, state, journal);
  if (report.action == CheckAction::rolled_back) return report;
  if (report.action != CheckAction::for_a_person) return std::nullopt;
  std::string hint;
  for (std::size_t i = 1; i < report.messages.size(); ++i) hint += (i > 1 ? "; " : "") + report.messages[i];
  throw Error(ErrorKind::corrupt, "upgrade", instance.data_path(),
              std::string("is ") + to_string(report.verdict) + " (" + report.reason +
                  ") since the upgrade begun at " + base::to_iso(journal.open->opened))
      .with_hint(hint);
}

// The newest copy that is whole and larger than the live database, which is blank or missing.
std::optional<RollbackSource> find_larger(DataFolder& folder) {
  const auto live = folder.dir().status(folder.data_name());
  for (const Generation& generation : folder.generations()) {
    try {
      const RollbackSource source = source_named(folder, generation_name(folder.data_name(), generation));
      if (source.database.size > (live ? live->size : 0)) return source;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::busy) throw;
      // Documented boundary: not whole, or no file of ours; an older one may be.
    }
  }
  return std::nullopt;
}

std::vector<std::string> lost_notice(const Instance& instance, SnapshotAction live,
                                     const RollbackSource& source) {
  return {"instance " + instance.name + ": the database " + base::quoted(instance.data_path()) + " is " +
              (live == SnapshotAction::absent ? "missing" : "blank") + ", and the older copy " +
              base::quoted(source.name) + " (" + base::human_size(source.database.size) + ") is not",
          "if an upgrade lost it before this package was there to watch: schooltool-db rollback --instance " +
              instance.name + " --to " + source.name};
}

}  // namespace

BeginReport begin_upgrade(io::Env& env, const Instance& instance, const UpgradeContext& context) {
  // A folder that is not there holds no database: nothing to copy, and no reason to stop anybody.
  if (!has_data_folder(env, instance)) return {};
  const auto state = open_state(env, instance.name);
  const io::FileLock lock =
      lock_instance(*state, "the step before an upgrade", instance.settings.lock_wait, env);
  BeginReport report;
  Journal journal = load_journal(*state);
  if (journal.open) {
    DataFolder folder(env, instance);
    folder.sweep();
    clear_vault(folder, journal.open->held);  // of what a killed run left
    if (is_begun(folder, *journal.open)) {
      report.already_begun = true;
      const std::size_t known = journal.open->packages.size();
      // Without names it is about all that are guarded, which is more than any list.
      if (known > 0) add_packages(*journal.open, context.packages);
      if (journal.open->packages.size() != known) save_journal(*state, journal, env);
      return report;
    }
    report.repaired = settle_earlier(env, instance, *state, journal);
  }
  SnapshotRequest request;
  request.upgrade = context;
  report.snapshot = take_snapshot_locked(env, instance, request, *state);
  return report;
}

Baseline take_baseline(io::Env& env, const Instance& instance) {
  const auto state = open_state(env, instance.name);
  const io::FileLock lock = lock_instance(*state, "the baseline copy", instance.settings.lock_wait, env);
  const Journal journal = load_journal(*state);
  const bool is_first = !journal.open && !journal.snapshot && !journal.last;
  Baseline baseline;
  baseline.snapshot = take_snapshot_locked(env, instance, {}, *state);
  const SnapshotAction action = baseline.snapshot.plan.action;
  if (!is_first || (action != SnapshotAction::blank && action != SnapshotAction::absent)) return baseline;
  DataFolder folder(env, instance);
  if (const auto source = find_larger(folder)) baseline.messages = lost_notice(instance, action, *source);
  return baseline;
}

}  // namespace upgrade
