#include "upgrade/snapshot.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "filestorage/scan.h"
#include "io/atomic_file.h"
#include "upgrade/fingerprint.h"
#include "upgrade/lineage.h"
#include "upgrade/verified_copy.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

constexpr unsigned kHighestGeneration = 999;
constexpr std::uint64_t kSmall = 64 * 1024;   // a database that holds nothing is not larger
constexpr std::uint64_t kSlack = 256 * 1024;  // folder entries, journal, index

// Renames that free the name .0: every generation up to the first gap moves one up, the highest first.
std::vector<std::pair<std::string, std::string>> plan_moves(const std::string& data_name,
                                                            const std::vector<Generation>& generations) {
  const auto taken = [&](unsigned number) {
    return std::any_of(generations.begin(), generations.end(),
                       [&](const Generation& generation) { return generation.number == number; });
  };
  unsigned gap = 0;
  while (gap < kHighestGeneration && taken(gap)) ++gap;
  std::vector<std::pair<std::string, std::string>> moves;
  for (unsigned number = gap; number-- > 0;) {
    for (const Generation& generation : generations) {
      if (generation.number != number) continue;
      moves.emplace_back(generation_name(data_name, generation),
                         generation_name(data_name, {number + 1, generation.compressed}));
    }
  }
  return moves;
}

bool is_empty(io::File& live, std::uint64_t end) {
  return end <= kSmall && holds_nothing(scan_whole(live, end, 0, nullptr, {}));
}

// With the newest snapshot as witness: is the live database a fresh bootstrap? Cheap for the ordinary case,
// in which the live file begins no later than the snapshot ends.
bool looks_blank(io::File& live, io::File* newest) {
  if (newest == nullptr) return false;
  const std::uint64_t newest_end = filestorage::find_end(*newest, newest->status().size);
  if (newest_end <= 4 || first_tid(live) <= last_tid(*newest, newest_end)) return false;
  const auto scan = scan_whole(*newest, newest_end, 0, nullptr, {});
  if (scan.damaged() || holds_nothing(scan)) return false;
  const Fingerprint before = fingerprint_of(scan, newest->status());
  return judge(&live, &before, newest, {}).verdict == Verdict::blank;
}

// Another name of the live file is no copy of it: what happens to one happens to both.
bool same_content(io::File& live, std::uint64_t end, io::File* newest) {
  if (newest == nullptr || newest->status().size != end) return false;
  return !newest->status().same_file(live.status()) && common_prefix(live, *newest, end) == end;
}

[[noreturn]] void refuse_damaged(DataFolder& folder, const filestorage::ScanResult& scan) {
  std::string what = "is damaged";
  for (const filestorage::Finding& finding : scan.findings) {
    if (!finding.fatal) continue;
    what += " at byte " + std::to_string(finding.position) + ": " + finding.text;
    break;
  }
  throw Error(ErrorKind::corrupt, "copy", folder.path_of(folder.data_name()), what)
      .with_hint("no snapshot was taken; the older ones stand: see 'schooltool-db status'");
}

// What follows the last complete transaction has to be what a server at work or a crash leaves. If whole
// transactions stand behind a break, then leaving them out would lose them without a word.
void refuse_lost_tail(DataFolder& folder, io::File& live, std::uint64_t size) {
  filestorage::ScanOptions options;
  options.limit = size;
  options.records = false;
  const auto scan = filestorage::scan(live, options);
  if (scan.damaged()) refuse_damaged(folder, scan);
}

struct Scene {
  std::unique_ptr<io::File> live, newest;
  SnapshotPlan plan;
};

Scene survey(DataFolder& folder, const SnapshotRequest& request) {
  Scene scene;
  SnapshotPlan& plan = scene.plan;
  scene.live = folder.open_live();
  if (!scene.live) {
    plan.reason = "there is no database";
    return scene;
  }
  const std::uint64_t size = scene.live->status().size;
  plan.length = filestorage::find_end(*scene.live, size);
  if (size > 0 && plan.length == 0) {
    if (!only_zeros(*scene.live, 0)) {
      throw Error(ErrorKind::corrupt, "copy", folder.path_of(folder.data_name()), "is not a FileStorage")
          .with_hint("the older copies stand untouched: see 'schooltool-db status'");
    }
    plan.action = SnapshotAction::blank;
    plan.reason = "the database is nothing but zero bytes";
    return scene;
  }
  if (plan.length < size) refuse_lost_tail(folder, *scene.live, size);
  scene.newest = folder.open_if_ours(generation_name(folder.data_name(), {0, false}));
  plan.space_free = folder.dir().space().free;
  plan.space_needed = kSlack + (request.upgrade ? plan.length : 0);
  if (same_content(*scene.live, plan.length, scene.newest.get())) {
    plan.action = SnapshotAction::already_there;
    plan.reason = "the newest snapshot holds the same bytes";
  } else if (is_empty(*scene.live, plan.length)) {
    plan.action = SnapshotAction::blank;
    plan.length = 0;
    plan.reason = "there is nothing in the database yet";
  } else if (!request.even_if_blank && looks_blank(*scene.live, scene.newest.get())) {
    plan.action = SnapshotAction::blank;
    plan.reason = "the database is blank, and a blank one never displaces a snapshot";
  } else {
    plan.action = SnapshotAction::copy;
    plan.space_needed += plan.length;
    plan.moves = plan_moves(folder.data_name(), folder.generations());
  }
  return scene;
}

void demand_space(DataFolder& folder, const SnapshotPlan& plan, bool for_upgrade) {
  if (plan.space_free >= plan.space_needed) return;
  throw Error(ErrorKind::no_space, "copy", folder.path_of(folder.data_name()),
              "needs " + base::human_size(plan.space_needed) + " of free space" +
                  (for_upgrade ? " (this copy and the package's own)" : "") + ", there are " +
                  base::human_size(plan.space_free))
      .with_hint("make room in " + folder.dir().path() +
                 ", for instance with 'schooltool-db rotate', and try again");
}

// Names the open file in the vault; a file system without hard links gets a second copy.
void hold(io::Env& env, DataFolder& folder, io::File& file, const Fingerprint& fingerprint,
          const std::string& name) {
  io::Dir& vault = folder.make_vault();
  try {
    vault.link(file, name);
    vault.sync();
    return;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::io) throw;
  }
  io::AtomicFile second(vault, name, env);
  const auto scan = copy_and_scan(file, second.file(), fingerprint.size, {});
  if (scan.damaged() || scan.digests.back() != fingerprint.xxh128) refuse_damaged(folder, scan);
  second.seal(fingerprint.owner, fingerprint.mode);
  second.commit(io::Replace::no);
}

// The database was blank before the upgrade: it is held by itself, aside from the generations.
Fingerprint hold_blank(io::Env& env, DataFolder& folder, io::File& live, std::uint64_t length,
                       const std::string& name) {
  io::AtomicFile copy(folder.make_vault(), name, env);
  const auto scan = copy_and_scan(live, copy.file(), length, {});
  const Fingerprint fingerprint = fingerprint_of(scan, live.status());
  copy.seal(fingerprint.owner, fingerprint.mode);
  copy.commit(io::Replace::no);
  return fingerprint;
}

Fingerprint copy_to_newest(io::Env& env, DataFolder& folder, Scene& scene, const SnapshotRequest& request,
                           const std::string& held) {
  const SnapshotPlan& plan = scene.plan;
  const std::string target = generation_name(folder.data_name(), {0, false});
  io::AtomicFile copy(folder.dir(), target, env);
  const auto scan = copy_and_scan(*scene.live, copy.file(), plan.length,
                                  request.progress ? request.progress(plan.length) : io::OnProgress());
  if (scan.damaged() || scan.end != plan.length) refuse_damaged(folder, scan);
  const Fingerprint fingerprint = fingerprint_of(scan, scene.live->status());
  copy.seal(fingerprint.owner, fingerprint.mode);
  if (!held.empty()) hold(env, folder, copy.file(), fingerprint, held);
  for (const auto& [from, to] : plan.moves) {
    folder.dir().rename(from, folder.dir(), to, io::Replace::no);
  }
  copy.commit(io::Replace::no);
  return fingerprint;
}

Fingerprint keep_newest(io::Env& env, DataFolder& folder, Scene& scene, const std::string& held) {
  const auto scan = scan_whole(*scene.newest, scene.plan.length, 0, nullptr, {});
  if (scan.damaged()) refuse_damaged(folder, scan);
  const Fingerprint fingerprint = fingerprint_of(scan, scene.live->status());
  // It may be the package's own copy, which nobody synced.
  scene.newest->sync();
  folder.dir().sync();
  if (!held.empty()) hold(env, folder, *scene.newest, fingerprint, held);
  return fingerprint;
}

}  // namespace

const char* to_string(SnapshotAction action) {
  switch (action) {
    case SnapshotAction::copy: return "copy";
    case SnapshotAction::already_there: return "already-there";
    case SnapshotAction::absent: return "absent";
    case SnapshotAction::blank: return "blank";
  }
  return "unknown";
}

void clear_vault(DataFolder& folder, const std::string& keep) {
  io::Dir* vault = folder.find_vault();
  if (vault == nullptr) return;
  bool changed = false;
  for (const std::string& name : vault->list()) {
    if (name == keep || !is_held_name(folder.data_name(), name)) continue;
    vault->remove(name);
    changed = true;
  }
  if (changed) vault->sync();
}

SnapshotPlan plan_snapshot(io::Env& env, const Instance& instance, const SnapshotRequest& request) {
  DataFolder folder(env, instance);
  Scene scene = survey(folder, request);
  if (scene.plan.action == SnapshotAction::copy) {
    demand_space(folder, scene.plan, request.upgrade.has_value());
  }
  return scene.plan;
}

SnapshotReport take_snapshot_locked(io::Env& env, const Instance& instance, const SnapshotRequest& request,
                                    io::Dir& state) {
  DataFolder folder(env, instance);
  Journal journal = load_journal(state);
  folder.sweep();
  // What a killed run held takes room; what a person's decision left is kept up to here.
  if (request.upgrade) clear_vault(folder, journal.open ? journal.open->held : std::string());

  Scene scene = survey(folder, request);
  const SnapshotPlan& plan = scene.plan;
  SnapshotReport report;
  report.plan = plan;
  const bool has_content = plan.action != SnapshotAction::absent && plan.length > 4;
  OpenUpgrade open;
  if (request.upgrade) {
    open.opened = env.now();
    open.id = report.upgrade_id = upgrade_id(open.opened, env.random());
    open.by = request.upgrade->by;
    open.data_dir = instance.data_dir;
    open.data_name = instance.data_name;
    open.blobs = find_blob_folder(env, instance);
    open.packages = request.upgrade->packages;
    // A retry finds the server as the attempt before has left it.
    open.server_was_running = folder.server_is_running() ||
                              (journal.open && !journal.open->good_since && journal.open->server_was_running);
    if (has_content) open.held = held_name(folder.data_name(), open.id);
  }
  if (plan.action == SnapshotAction::copy || plan.action == SnapshotAction::already_there) {
    demand_space(folder, plan, request.upgrade.has_value());
    report.database = plan.action == SnapshotAction::copy
                          ? copy_to_newest(env, folder, scene, request, open.held)
                          : keep_newest(env, folder, scene, open.held);
    open.before = Before::database;
    journal.snapshot = report.database;
    if (plan.action == SnapshotAction::copy) journal.snapshot_taken = env.now();
  } else if (plan.action == SnapshotAction::blank) {
    open.before = has_content ? Before::blank : Before::absent;
    if (!open.held.empty()) {
      report.database = hold_blank(env, folder, *scene.live, plan.length, open.held);
    }
  }
  if (request.upgrade) {
    if (report.database) open.database = *report.database;
    journal.open = open;
  }
  save_journal(state, journal, env);
  if (request.upgrade) clear_vault(folder, open.held);
  return report;
}

SnapshotReport take_snapshot(io::Env& env, const Instance& instance, const SnapshotRequest& request) {
  const auto state = open_state(env, instance.name);
  const io::FileLock lock =
      lock_instance(*state, "schooltool-db-snapshot", request.upgrade ? instance.settings.lock_wait : 0, env);
  return take_snapshot_locked(env, instance, request, *state);
}

}  // namespace upgrade
