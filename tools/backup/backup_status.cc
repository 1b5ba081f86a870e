#include "backup/backup_status.h"

#include <nlohmann/json.hpp>

#include "backup/names.h"
#include "backup/record.h"
#include "backup/repository_folder.h"
#include "base/error.h"
#include "base/text.h"
#include "upgrade/journal.h"

namespace backup {

namespace {

constexpr std::int64_t kDay = 86400;

std::string line(const std::string& label, const std::string& text) {
  std::string padded = "  " + label;
  padded.resize(18, ' ');
  return padded + text + "\n";
}

std::string ago(base::UtcTime then, base::UtcTime now) {
  const std::int64_t seconds = now.seconds - then.seconds;
  return seconds < 0 ? "in the future" : base::human_duration(seconds) + " ago";
}

std::string alarm_of(const BackupStatus& status, const upgrade::Settings& settings,
                     std::optional<base::UtcTime> known_since, base::UtcTime now) {
  const Outcome& outcome = status.outcome;
  const auto last = outcome.good ? outcome.good : known_since;
  const bool overdue = last && now.seconds - last->seconds > settings.backup_max_age;
  if (overdue && !outcome.good) return "there is no backup yet";
  if (overdue)
    return "the last good backup is " + base::human_duration(now.seconds - outcome.good->seconds) + " old";
  if (outcome.good && outcome.good->seconds > now.seconds + kDay)
    return "the last good backup is of the future: the clock is wrong, or was";
  if (!status.lost.empty()) return status.lost;
  if (!outcome.failure.empty() && !outcome.good) return "the backup failed: " + outcome.failure;
  if (!outcome.alarm.empty()) return outcome.alarm;
  if (outcome.missing != 0)
    return std::to_string(outcome.missing) + " blobs are missing in the database's folder";
  return {};
}

// The newest backup by its names and sizes alone; `schooltool-db verify` reads it. "" if it is there.
std::string missing_of(io::Dir* repository, const std::string& path, const std::string& stamp) {
  if (repository == nullptr) return "the backups are gone: there is no folder " + base::quoted(path);
  try {
    const Record record = load_record(*repository, stamp);
    const auto piece = repository->status(record.file);
    const std::string full = record.chain + ".fs";
    if (!piece || piece->size != record.end - record.start || !repository->status(full)) {
      return "the last backup, " + stamp + ", is not whole any more: look with schooltool-db verify";
    }
    for (const std::string& archive : record.archives) {
      if (!repository->status(archive_name(archive)))
        return "the blobs of the last backup are not all there any more: look with schooltool-db verify";
    }
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found && error.kind() != base::ErrorKind::corrupt) throw;
    return "the record of the last backup, " + stamp + ", is gone or damaged: look with schooltool-db verify";
  }
  return {};
}

std::string size_change(const Outcome& outcome) {
  if (!outcome.before) return {};
  if (*outcome.before == outcome.size) return ", as before";
  const bool grew = outcome.size > *outcome.before;
  const std::uint64_t by = grew ? outcome.size - *outcome.before : *outcome.before - outcome.size;
  return ", " + base::human_size(by) + (grew ? " more" : " less") + " than the one before";
}

}  // namespace

BackupStatus backup_status(io::Env& env, const upgrade::Instance& instance,
                           std::optional<base::UtcTime> known_since) {
  BackupStatus status;
  status.on = instance.settings.enabled && instance.settings.backup;
  try {
    if (const auto state = upgrade::find_state(env, instance.name)) status.outcome = load_outcome(*state);
    const auto repository = find_repository(env, instance);
    if (repository) status.free = repository->space().free;
    if (status.on && status.outcome.good) {
      status.lost = missing_of(repository.get(), repository_path(instance), status.outcome.stamp);
    }
  } catch (const base::Error& error) {
    status.problem = error.what();
  }
  if (!status.on) return status;
  if (status.outcome.tried) status.next = base::UtcTime{status.outcome.tried->seconds + kDay, 0};
  status.alarm = alarm_of(status, instance.settings, known_since, env.now());
  if (status.alarm.empty()) status.alarm = status.problem;
  return status;
}

std::string backup_status_text(const BackupStatus& status, base::UtcTime now) {
  const Outcome& outcome = status.outcome;
  std::string text;
  if (outcome.good) {
    text +=
        line("last backup", ago(*outcome.good, now) + ", " + outcome.stamp + " (UTC), " +
                                base::human_size(outcome.size) + size_change(outcome) +
                                (outcome.blobs != 0 ? ", " + std::to_string(outcome.blobs) + " blobs" : ""));
  } else {
    text += line("last backup", "none yet");
  }
  if (!outcome.failure.empty() && outcome.tried)
    text += line("backup failed", ago(*outcome.tried, now) + ": " + outcome.failure);
  if (!status.on) {
    text += line("next backup", "none: backups are off");
  } else {
    text += line("next backup",
                 status.next ? "about " + base::to_iso(*status.next) + ", by cron" : "by cron, daily");
  }
  if (status.free != 0) text += line("backup space", base::human_size(status.free) + " free");
  if (!status.alarm.empty()) text += line("ALARM", status.alarm);
  return text;
}

nlohmann::json backup_status_json(const BackupStatus& status) {
  const Outcome& outcome = status.outcome;
  const auto time = [](const std::optional<base::UtcTime>& value) {
    return value ? nlohmann::json(base::to_iso(*value)) : nlohmann::json();
  };
  return {{"on", status.on},
          {"last_good", time(outcome.good)},
          {"stamp", outcome.stamp},
          {"size", outcome.size},
          {"size_before", outcome.before ? nlohmann::json(*outcome.before) : nlohmann::json()},
          {"blobs", outcome.blobs},
          {"missing", outcome.missing},
          {"last_run", time(outcome.tried)},
          {"failure", outcome.failure},
          {"next", time(status.next)},
          {"free", status.free},
          {"problem", status.problem},
          {"alarm", status.alarm}};
}

}  // namespace backup
