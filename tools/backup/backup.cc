#include "backup/backup.h"

#include "backup/hooks.h"
#include "backup/record.h"
#include "backup/repository_folder.h"
#include "backup/retention.h"
#include "base/error.h"
#include "base/text.h"
#include "repozo/chains.h"
#include "upgrade/journal.h"

namespace backup {

using base::Error;
using base::ErrorKind;
using upgrade::Instance;

namespace {

const char* word_of(repozo::Action action) {
  switch (action) {
    case repozo::Action::none: return "unchanged";
    case repozo::Action::increment: return "increment";
    case repozo::Action::full: return "full";
  }
  return "unknown";
}

// A database in doubt must not become the newest backup unseen.
void refuse_during_upgrade(io::Dir& state, const Instance& instance) {
  upgrade::Journal journal;
  try {
    journal = upgrade::load_journal(state);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    return;  // told by `status`; no reason to go without backups
  }
  if (!journal.open || journal.open->good_since) return;
  throw Error(ErrorKind::busy, "back up", instance.data_path(),
              "an upgrade is under way, and the database was not yet found good")
      .with_hint("look with 'schooltool-db check --instance " + instance.name +
                 "'; the copy from before the upgrade is kept");
}

std::vector<std::string> retain(io::Env& env, const Instance& instance) {
  repozo::Repository repository(env, open_repository(env, instance));
  io::Dir& dir = repository.dir();
  const Records records = load_records(dir);
  // Without being able to read all records nobody can say which archives are needed.
  if (!records.problems.empty()) return {};
  const auto chains = repozo::list_chains(repository);
  const std::uint64_t next = chains.empty() ? 0 : chains.back().last().end;
  const RetentionPlan plan =
      plan_retention(chains, records.all, archives_in(dir), instance.settings.backup_keep,
                     instance.settings.backup_keep_min, dir.space().free, next + next / 16);
  return apply_retention(repository, plan);
}

std::vector<std::string> warnings_of(const Instance& instance, const PairResult& pair) {
  std::vector<std::string> lines;
  const std::string where = instance.name + ": ";
  for (const std::string& line : pair.warnings) lines.push_back(where + line);
  if (pair.record.missing != 0 && instance.blob_dir.empty()) {
    lines.push_back(where + std::to_string(pair.record.missing) +
                    " blobs that the database names are not backed up, for no blob folder is configured: set "
                    "'blobs = FOLDER' for this instance in /etc/schooltool-dbtools.conf");
  } else if (pair.record.missing != 0) {
    lines.push_back(where + std::to_string(pair.record.missing) +
                    " blobs that the database names have no file, the first being " +
                    base::quoted(pair.record.missing_names.empty() ? "" : pair.record.missing_names.front()) +
                    " in " + base::quoted(instance.blob_dir) +
                    "; everything else is backed up. Look with: schooltool-db-check, fscheck");
  }
  if (pair.larger) {
    lines.push_back(where + "the database shrank from " + base::human_size(pair.larger->size) +
                    " in backup " + pair.larger->stamp + " to " + base::human_size(pair.record.end) +
                    " without a pack. It is backed up, and no older backup is removed. If it is right so: " +
                    "schooltool-db backup --accept --instance " + instance.name +
                    "; if not: schooltool-db restore");
  }
  return lines;
}

void note_success(Outcome& outcome, const PairResult& pair, bool accept, base::UtcTime now) {
  outcome.good = now;
  outcome.failure.clear();
  if (pair.action != repozo::Action::none || outcome.stamp != pair.record.stamp) {
    outcome.before = pair.size_before;
  }
  // Increments compare nothing with what is stored already.
  if (pair.action == repozo::Action::full) outcome.damage = pair.damage;
  if (accept) outcome.damage.clear();
  outcome.alarm = pair.larger ? "the database shrank without a pack" : outcome.damage;
  outcome.larger = pair.larger;
  outcome.stamp = pair.record.stamp;
  outcome.size = pair.record.end;
  outcome.blobs = pair.record.blobs;
  outcome.missing = pair.record.missing;
}

using Variables = std::vector<std::pair<std::string, std::string>>;

Variables variables_for(const Instance& instance) {
  return {{"SCHOOLTOOL_DB_INSTANCE", instance.name},
          {"SCHOOLTOOL_DB_DATA", instance.data_path()},
          {"SCHOOLTOOL_DB_REPOSITORY", repository_path(instance)}};
}

void after_success(io::Env& env, const Instance& instance, BackupReport& report) {
  Variables variables = variables_for(instance);
  variables.emplace_back("SCHOOLTOOL_DB_OUTCOME", word_of(report.pair.action));
  variables.emplace_back("SCHOOLTOOL_DB_STAMP", report.pair.record.stamp);
  const std::string trouble = run_hooks(env, kPostHooks, variables);
  if (trouble.empty()) return;
  report.warnings.push_back(instance.name + ": after the backup: " + trouble);
  if (report.outcome.alarm.empty()) report.outcome.alarm = "after the backup: " + trouble;
}

void after_failure(io::Env& env, const Instance& instance, const Error& error) {
  try {
    Variables variables = variables_for(instance);
    variables.emplace_back("SCHOOLTOOL_DB_OUTCOME", "failed");
    variables.emplace_back("SCHOOLTOOL_DB_ERROR", error.what());
    run_hooks(env, kPostHooks, variables);
  } catch (const Error&) {
    // Documented boundary: the failure itself is what is told.
  }
}

BackupReport run(io::Env& env, const Instance& instance, const BackupRequest& request, io::Dir& state,
                 Outcome& outcome) {
  refuse_during_upgrade(state, instance);
  if (const std::string trouble = run_hooks(env, kPreHooks, variables_for(instance)); !trouble.empty()) {
    throw Error(ErrorKind::io, "prepare", instance.data_path(), trouble)
        .with_hint("nothing was backed up; the older backups stand");
  }
  BackupReport report;
  PairRequest wanted;
  wanted.full = request.full;
  wanted.accept = request.accept;
  wanted.larger = outcome.larger;
  report.pair = make_pair(env, instance, wanted, request.progress);
  report.warnings = warnings_of(instance, report.pair);
  note_success(outcome, report.pair, request.accept, env.now());
  // Before anything goes: what it names as the last good one has to be there.
  save_outcome(state, outcome, env);
  if (!outcome.damage.empty()) {
    report.warnings.push_back(instance.name + ": " + outcome.damage +
                              ". It is backed up as it is, and no older backup is removed. Look with: " +
                              "fscheck. If it is right so: schooltool-db backup --accept --instance " +
                              instance.name + "; if not: schooltool-db restore");
  }
  // What shrank may be a disaster that nobody has seen yet: the older chains stay until it is explained.
  const bool due = report.pair.action != repozo::Action::none || request.accept;
  if (due && !report.pair.larger && outcome.damage.empty()) {
    try {
      report.removed = retain(env, instance);
    } catch (const Error& error) {
      report.warnings.push_back(instance.name + ": old backups could not be removed: " + error.what());
    }
  }
  return report;
}

}  // namespace

BackupReport back_up(io::Env& env, const Instance& instance, const BackupRequest& request) {
  const auto state = upgrade::open_state(env, instance.name);
  Outcome outcome = load_outcome(*state);
  outcome.tried = env.now();
  try {
    BackupReport report;
    {
      const io::FileLock lock = upgrade::lock_instance(*state, "schooltool-db-backup", 0, env);
      report = run(env, instance, request, *state, outcome);
    }
    report.outcome = outcome;
    after_success(env, instance, report);
    if (report.outcome.alarm != outcome.alarm) save_outcome(*state, report.outcome, env);
    return report;
  } catch (const Error& error) {
    try {
      if (error.kind() == ErrorKind::busy) outcome = load_outcome(*state);  // whoever was busy may be done
      outcome.tried = env.now();
      outcome.failure = error.what();
      save_outcome(*state, outcome, env);
    } catch (const Error&) {
      // Documented boundary: on a full disk the outcome of before stays, and its age is the alarm.
    }
    after_failure(env, instance, error);
    throw;
  }
}

}  // namespace backup
