#include "backup/erase.h"

#include <cerrno>

#include "backup/restore_state.h"
#include "base/error.h"
#include "filestorage/scan.h"
#include "io/file_lock.h"
#include "upgrade/data_folder.h"
#include "upgrade/journal.h"
#include "upgrade/names.h"
#include "upgrade/service.h"

namespace backup {

using base::Error;
using base::ErrorKind;
using upgrade::DataFolder;
using upgrade::Instance;

namespace {

constexpr unsigned kStopTimeout = 60;  // seconds
constexpr const char* kWord = "erased";

// The folder that holds the blob folder, and the name in it.
struct BlobPlace {
  std::unique_ptr<io::Dir> above;
  std::string name;
  bool exists() const { return above != nullptr && above->status(name).has_value(); }
  bool is_mounted() const { return exists() && above->status(name)->device != above->status().device; }
};

BlobPlace blob_place(io::Env& env, const Instance& instance) {
  BlobPlace place;
  if (instance.blob_dir.empty()) return place;
  const std::size_t slash = instance.blob_dir.rfind('/');
  place.name = instance.blob_dir.substr(slash + 1);
  try {
    place.above =
        env.open_dir(slash == 0 ? "/" : instance.blob_dir.substr(0, slash), io::Links::administrator);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  if (place.exists() && place.above->status(place.name)->type != io::FileType::directory) {
    throw Error(ErrorKind::unsafe_path, "erase", instance.blob_dir, "is a link, or no folder at all")
        .with_hint("nothing was moved; name the folder itself as the one of the blobs, or mount it there");
  }
  return place;
}

// Whether there is a database. A link would be moved without what it leads to.
bool has_database(DataFolder& folder) {
  const auto status = folder.dir().status(folder.data_name());
  if (status && status->type != io::FileType::regular) {
    throw Error(ErrorKind::unsafe_path, "erase", folder.path_of(folder.data_name()), "is no plain file")
        .with_hint("nothing was moved; name the file itself as the database");
  }
  return status.has_value();
}

void demand_something(bool database, bool blobs, const Instance& instance) {
  if (database || blobs) return;
  throw Error(ErrorKind::not_found, "erase", instance.data_path(), "there is nothing to erase");
}

// The person's decision comes first on disk: from here on no check brings the database back.
void close_upgrade(io::Env& env, io::Dir& state, const std::string& detail) {
  upgrade::Journal journal = upgrade::load_journal(state);
  journal.open.reset();
  journal.remember({env.now(), upgrade::Verdict::missing, "chosen by a person", "erased", detail}, true);
  upgrade::save_journal(state, journal, env);
}

std::unique_ptr<io::File> lock_database(DataFolder& folder) {
  const std::string name = upgrade::lock_name(folder.data_name());
  if (!folder.dir().status(name)) return nullptr;  // no server ever ran here
  auto lock = folder.dir().open_file(name, io::Access::read);
  if (lock->try_lock()) return lock;
  throw Error(ErrorKind::busy, "lock", folder.path_of(name), "a server has the database open")
      .with_hint("stop it, then run the command again");
}

void move_away(io::Dir& dir, const std::string& name, const std::string& to) {
  dir.rename(name, dir, to, io::Replace::no);
  dir.sync();
}

// False if it is a mount point.
bool move_folder_away(io::Dir& dir, const std::string& name, const std::string& to) {
  try {
    move_away(dir, name, to);
  } catch (const Error& error) {
    if (error.sys_errno() != EBUSY && error.sys_errno() != EXDEV) throw;
    return false;
  }
  return true;
}

}  // namespace

ErasePlan plan_erase(io::Env& env, const Instance& instance, BlobFolderIs blob_folder) {
  ErasePlan plan;
  DataFolder folder(env, instance);
  const BlobPlace blobs = blob_place(env, instance);
  plan.has_blobs = blobs.exists();
  plan.blobs_stay = blobs.exists() && (blob_folder == BlobFolderIs::shared || blobs.is_mounted());
  plan.has_database = has_database(folder);
  demand_something(plan.has_database, plan.has_blobs, instance);
  plan.server_runs = folder.server_is_running();
  if (const auto live = folder.open_if_ours(folder.data_name())) {
    filestorage::ScanOptions options;
    options.records = false;
    const auto scan = filestorage::scan(*live, options);
    plan.size = scan.size;
    plan.transactions = scan.transactions;
  }
  return plan;
}

EraseReport erase(io::Env& env, const Instance& instance, BlobFolderIs blob_folder) {
  const auto state = upgrade::open_state(env, instance.name);
  const io::FileLock lock = upgrade::lock_instance(*state, "schooltool-db-erase", 0, env);
  DataFolder folder(env, instance);
  folder.sweep();
  const BlobPlace blobs = blob_place(env, instance);
  const bool had_database = has_database(folder);
  demand_something(had_database, blobs.exists(), instance);
  const bool move_blobs = blobs.exists() && blob_folder == BlobFolderIs::its_own;

  base::UtcTime now = env.now();
  const auto taken = [&] {
    return folder.dir().status(upgrade::displaced_name(folder.data_name(), kWord, now)) ||
           (blobs.above && blobs.above->status(blobs.name + "." + kWord + "-" + base::to_stamp(now)));
  };
  while (taken()) ++now.seconds;
  const std::string database_to = upgrade::displaced_name(folder.data_name(), kWord, now);
  const std::string blobs_to = blobs.name + "." + kWord + "-" + base::to_stamp(now);

  upgrade::Service service(env, instance.settings.service);
  const bool ran = folder.server_is_running();
  EraseReport report;
  try {
    service.stop(folder, kStopTimeout);
    const auto held = lock_database(folder);
    RestoreState kept = load_restore_state(*state).value_or(RestoreState{});
    kept.phase = RestorePhase::done;
    kept.begun = now;
    if (had_database) {
      kept.kept = database_to;
      kept.kept_blobs.clear();
    }
    if (move_blobs) kept.kept_blobs = instance.blob_dir + "." + kWord + "-" + base::to_stamp(now);
    close_upgrade(env, *state, had_database ? folder.path_of(database_to) : std::string());
    save_restore_state(*state, kept, env);
    if (had_database) {
      const std::string index = upgrade::index_name(folder.data_name());
      const auto status = folder.dir().status(index);
      if (status && status->type != io::FileType::directory) folder.dir().remove(index);
      move_away(folder.dir(), folder.data_name(), database_to);
      report.database = folder.path_of(database_to);
    }
    report.blobs_stay =
        blobs.exists() && !(move_blobs && move_folder_away(*blobs.above, blobs.name, blobs_to));
    if (move_blobs && !report.blobs_stay) report.blobs = blobs.above->path() + "/" + blobs_to;
  } catch (const Error&) {
    if (service.was_stopped()) service.start();
    throw;
  }
  report.started = ran && service.start();
  report.start_failed = ran && !report.started;
  return report;
}

}  // namespace backup
