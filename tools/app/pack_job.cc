#include "app/pack_job.h"

#include <algorithm>
#include <memory>

#include "app/pack_targets.h"
#include "backup/blob_folder.h"
#include "backup/pair.h"
#include "backup/repository_folder.h"
#include "base/error.h"
#include "base/text.h"
#include "filestorage/pack_time.h"
#include "upgrade/data_folder.h"
#include "upgrade/journal.h"
#include "zeo/pack.h"

namespace app {

using base::Error;
using base::ErrorKind;
using upgrade::Instance;

namespace {

constexpr std::int64_t kDay = 86400;
// A little less than the name says, so that a job that starts some hours earlier than last time is not left
// out for a whole period.
constexpr std::int64_t kWeek = 6 * kDay, kMonth = 27 * kDay;
constexpr std::uint64_t kSlack = 16'000'000;  // index, lock, state
// A server that hangs must not keep backups and upgrades from the instance for ever.
constexpr std::int64_t kLongestServerPackMs = kDay * 1000;

double pack_time(const Instance& instance, base::UtcTime now) {
  return filestorage::days_before(now, static_cast<double>(instance.settings.pack_history) / kDay);
}

filestorage::PackRequest pack_request(io::Env& env, const Instance& instance, base::UtcTime now) {
  filestorage::PackRequest request;
  request.options.stop = filestorage::pack_tid(pack_time(instance, now));
  // A server makes the folder that is configured when it stores the first blob.
  if (backup::BlobFolder::find(env, instance.blob_dir)) request.blobs = instance.blob_dir;
  return request;
}

// The folder of the backups, or the first one above it that is there yet: where the space is.
std::unique_ptr<io::Dir> backup_place(io::Env& env, const Instance& instance) {
  std::string above = backup::repository_path(instance);
  while (true) {
    try {
      return env.open_dir(above.empty() ? "/" : above, io::Links::administrator);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found || above.empty()) throw;
    }
    above.resize(above.rfind('/'));
  }
}

// A database in doubt is not changed further.
void refuse_during_upgrade(const upgrade::Journal& journal, const Instance& instance) {
  if (!journal.open) return;
  throw Error(ErrorKind::busy, "pack", instance.data_path(), "an upgrade is under way")
      .with_hint("'schooltool-db status' tells what it waits for");
}

std::uint64_t least_gain(const upgrade::MinGain& gain, std::uint64_t size) {
  return gain.percent ? size / 100 * gain.number + size % 100 * gain.number / 100 : gain.number;
}

// For the packed file, and then for the backup.
void demand_space(const Instance& instance, const PackFacts& facts) {
  const auto demand = [&](std::uint64_t needed, std::uint64_t free, const char* what) {
    if (free >= needed) return;
    throw Error(ErrorKind::no_space, "pack", instance.data_path(),
                std::string("there is no room for ") + what + ": it needs " + base::human_size(needed) +
                    ", there would be " + base::human_size(free))
        .with_hint("make room, or keep fewer backups (backup-keep)");
  };
  demand(facts.size_after + kSlack, facts.free_for_data, "the packed file");
  if (!instance.settings.backup) return;
  std::uint64_t free = facts.free_for_backup;
  if (facts.shared_space) {
    // The packed file is there by then. A server keeps the one of before as Data.fs.old, in the place of that
    // of the last pack; offline it goes.
    free = facts.free_for_data - facts.size_after + (facts.server_runs ? facts.old_size : facts.size_before);
  }
  demand(backup::space_for_full(facts.size_after) + kSlack, free, "the full backup that follows a pack");
}

class PackJob {
 public:
  PackJob(io::Env& env, const Instance& instance, const PackJobRequest& request, io::Dir* state)
      : env_(env), instance_(instance), request_(request), folder_(env, instance) {
    facts_.now = env.now();
    if (state == nullptr) return;
    refuse_during_upgrade(upgrade::load_journal(*state), instance);
    report_.record = load_pack_record(*state);
    facts_.packed = report_.record.packed;
    const backup::Outcome last = backup::load_outcome(*state);
    facts_.backed_up = last.good;
    if (last.larger || !last.damage.empty()) facts_.doubt = last.alarm;
  }

  // False if it is to be left out.
  bool decide() {
    if (!folder_.open_live()) {
      throw Error(ErrorKind::not_found, "pack", instance_.data_path(), "there is no database");
    }
    if (request_.scheduled) {
      if (const auto why = reason_to_wait(instance_.settings, facts_)) {
        report_.decision = {PackDecision::What::leave_out, *why};
        return false;
      }
    }
    filestorage::PackRequest request = pack_request(env_, instance_, facts_.now);
    request.progress = request_.progress;
    report_.estimate = filestorage::plan_pack(env_, instance_.data_dir, instance_.data_name, request);
    facts_.server_runs = folder_.server_is_running();
    facts_.worth_it = report_.estimate.outcome == filestorage::PackOutcome::packed;
    facts_.size_before = report_.estimate.size_before;
    facts_.size_after = report_.estimate.size_after;
    look_for_space();
    report_.decision = decide_pack(instance_, facts_, request_);
    return report_.decision.what != PackDecision::What::leave_out;
  }

  void act(zeo::Network& network) {
    PackRecord& record = report_.record;
    if (report_.decision.what == PackDecision::What::online) {
      pack_online(network, record);
    } else {
      pack_offline(record);
    }
    record.by_server = report_.decision.what == PackDecision::What::online;
    record.packed = env_.now();
    record.seconds =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, record.packed->seconds - facts_.now.seconds));
    record.objects_removed = report_.estimate.objects_dropped;
  }

  PackJobReport& report() { return report_; }

 private:
  void look_for_space() {
    io::Dir& data = folder_.dir();
    facts_.free_for_data = data.space().free;
    if (const auto old = data.status(instance_.data_name + ".old")) facts_.old_size = old->allocated;
    if (!instance_.settings.backup) return;
    const auto backups = backup_place(env_, instance_);
    facts_.free_for_backup = backups->space().free;
    facts_.shared_space = backups->status().device == data.status().device;
  }

  void pack_online(zeo::Network& network, PackRecord& record) {
    zeo::PackRequest request;
    request.server = server_of(instance_);
    request.time = pack_time(instance_, facts_.now);
    request.pack_timeout_ms = kLongestServerPackMs;
    std::unique_ptr<PackProgress> progress;
    if (request_.server_progress) progress = request_.server_progress();
    request.on_open = [&](const zeo::StorageInfo& info) {
      refuse_other_database(env_, instance_.data_path(), info);
      if (progress) progress->opened(info, request.server.address.is_local());
    };
    if (progress) request.on_wait = [&] { progress->waited(); };
    const zeo::PackResult result = zeo::pack_server(network, request);
    record.size_before = result.size_before.value_or(facts_.size_before);
    const auto now = folder_.dir().status(instance_.data_name);
    record.size_after = result.size_after.value_or(now ? now->size : 0);
  }

  void pack_offline(PackRecord& record) {
    filestorage::PackRequest request = pack_request(env_, instance_, facts_.now);
    request.progress = request_.progress;
    const auto done = filestorage::pack(env_, instance_.data_dir, instance_.data_name, request);
    record.size_before = done.size_before;
    record.size_after = done.size_after;
  }

  io::Env& env_;
  const Instance& instance_;
  const PackJobRequest& request_;
  upgrade::DataFolder folder_;
  PackFacts facts_;
  PackJobReport report_;
};

}  // namespace

std::optional<std::string> reason_to_wait(const upgrade::Settings& settings, const PackFacts& facts) {
  if (settings.pack_every == upgrade::PackEvery::never) return "pack-every is never";
  if (!facts.packed) return std::nullopt;
  const std::int64_t period = settings.pack_every == upgrade::PackEvery::week ? kWeek : kMonth;
  const std::int64_t age = facts.now.seconds - facts.packed->seconds;
  if (age < 0 || age >= period) return std::nullopt;
  return "the last pack was " + base::human_duration(age) + " ago";
}

PackDecision decide_pack(const Instance& instance, const PackFacts& facts, const PackJobRequest& request) {
  using What = PackDecision::What;
  const std::uint64_t gain =
      facts.worth_it ? facts.size_before - std::min(facts.size_before, facts.size_after) : 0;
  if (!facts.worth_it) return {What::leave_out, "there is nothing to free"};
  if (request.scheduled && gain < least_gain(instance.settings.pack_min_gain, facts.size_before)) {
    return {What::leave_out, "it would free no more than " + base::human_size(gain)};
  }
  const std::int64_t oldest = instance.settings.pack_backup_age;
  if (!request.without_backup && oldest != 0 &&
      (!facts.backed_up || facts.now.seconds - facts.backed_up->seconds > oldest)) {
    throw Error(ErrorKind::not_found, "pack", instance.data_path(),
                facts.backed_up ? "the last good backup is older than " + base::human_duration(oldest)
                                : "there is no good backup")
        .with_hint("run 'schooltool-db backup --instance " + instance.name + "' first");
  }
  // A pack removes what would still tell of it.
  if (!request.without_backup && !facts.doubt.empty()) {
    throw Error(ErrorKind::corrupt, "pack", instance.data_path(), "the last backup showed: " + facts.doubt)
        .with_hint("look at the database first; if it is right: schooltool-db backup --accept --instance " +
                   instance.name);
  }
  demand_space(instance, facts);
  if (!facts.server_runs) return {What::offline, ""};
  if (!instance.server.empty()) return {What::online, ""};
  throw Error(ErrorKind::unsupported, "pack", instance.data_path(),
              "a server has it open, and its configuration names no address to ask it at")
      .with_hint("stop the server and run the command again, or let the application pack");
}

PackJobReport plan_pack_instance(io::Env& env, const Instance& instance, const PackJobRequest& request) {
  const auto state = upgrade::find_state(env, instance.name);
  PackJob job(env, instance, request, state.get());
  job.decide();
  return job.report();
}

PackJobReport pack_instance(io::Env& env, zeo::Network& network, const Instance& instance,
                            const PackJobRequest& request) {
  const auto state = upgrade::open_state(env, instance.name);
  const io::FileLock lock = upgrade::lock_instance(*state, "schooltool-db-pack", request.wait_s, env);
  PackRecord record = load_pack_record(*state);
  try {
    PackJob job(env, instance, request, state.get());
    const bool act = job.decide();
    if (act) job.act(network);
    record = job.report().record;
    record.tried = env.now();
    record.failure.clear();
    record.left_out = act ? std::string() : job.report().decision.why;
    save_pack_record(*state, record, env);
    job.report().record = record;
    return job.report();
  } catch (const Error& error) {
    record.tried = env.now();
    const bool skipped = error.kind() == ErrorKind::busy;  // what failed before that has not got better
    record.left_out = skipped ? error.reason() : std::string();
    if (!skipped) record.failure = error.what();
    try {
      save_pack_record(*state, record, env);
    } catch (const Error&) {
      // Documented boundary: the first error is the one to tell.
    }
    throw;
  }
}

}  // namespace app
