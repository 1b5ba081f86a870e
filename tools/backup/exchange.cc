#include "backup/exchange.h"

#include "backup/collect.h"
#include "base/error.h"
#include "filestorage/scan.h"
#include "io/atomic_file.h"
#include "upgrade/data_folder.h"
#include "upgrade/fingerprint.h"
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
constexpr std::uint32_t kBlobFolderMode = 0700;
constexpr const char* kFinishHint = "run the same command again: it finishes what is left";

void list_blobs(io::File& database, KeyList& keys) {
  const std::uint64_t end = filestorage::find_end(database, database.status().size);
  if (end <= filestorage::kMagicSize) return;
  for_each_blob(database, filestorage::kMagicSize, end, [&](const BlobKey& key) { keys.add(key); });
}

std::unique_ptr<io::File> open_source(DataFolder& folder, const upgrade::RollbackSource& source) {
  std::unique_ptr<io::File> file;
  if (!source.in_vault) {
    file = folder.open_ours(source.name);
  } else if (io::Dir* vault = folder.find_vault()) {
    file = vault->open_file(source.name, io::Access::read);
  }
  if (file) return file;
  throw Error(ErrorKind::not_found, "open", folder.path_of(source.name), "there is no such file");
}

// The name under which a swap has kept the file with this inode.
std::string displaced_with(DataFolder& folder, std::uint64_t inode) {
  for (std::string& name : folder.dir().list()) {
    if (!upgrade::is_displaced_name(folder.data_name(), name)) continue;
    const auto status = folder.dir().status(name);
    if (status && status->inode == inode) return std::move(name);
  }
  return {};
}

// A person has decided: no check may bring the database of before an open upgrade back.
void close_upgrade(io::Env& env, io::Dir& state, const RestoreState& restore) {
  upgrade::Journal journal;
  try {
    journal = upgrade::load_journal(state);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    return;  // it names no upgrade either
  }
  journal.open.reset();
  journal.remember({env.now(), upgrade::Verdict::sound, "chosen by a person",
                    restore.from.empty() ? "restore undone" : "restored", restore.kept},
                   true);
  upgrade::save_journal(state, journal, env);
}

// The inode alone could be that of another file by now. The server may have added to the database.
bool is_swapped(const RestoreState& restore, DataFolder& folder) {
  const auto live = folder.open_live();
  const std::uint64_t size = restore.wanted.size;
  if (!live || live->status().inode != restore.new_inode || live->status().size < size) return false;
  return size <= filestorage::kMagicSize || upgrade::last_tid(*live, size) == restore.wanted.last_tid;
}

// A move from the vault may have left both names, and an index that went before may be back.
void drop_source(const RestoreState& restore, DataFolder& folder) {
  io::Dir* vault = restore.in_vault ? folder.find_vault() : nullptr;
  if (vault == nullptr) return;
  folder.dir().sync();
  for (const std::string& name : {restore.source, upgrade::index_name(restore.source)}) {
    if (vault->status(name)) vault->remove(name);
  }
  vault->sync();
}

class Exchange {
 public:
  Exchange(io::Env& env, const Instance& instance, io::Dir& state)
      : env_(env),
        instance_(instance),
        state_(state),
        folder_(env, instance),
        service_(env, instance.settings.service) {
    io::sweep_temporaries(state, "blobs-to-store");
  }

  ExchangeReport run(const upgrade::RollbackSource& source, const std::string& from_stamp,
                     const BlobSources& blobs, const StartProgress& progress) {
    KeyList after(state_, env_);
    const auto file = open_source(folder_, source);
    if (!instance_.blob_dir.empty()) list_blobs(*file, after);
    begin(source, from_stamp);
    restore_.new_inode = file->status().inode;
    try {
      // Known before the server is stopped: whoever finishes what is interrupted starts it again.
      save_restore_state(state_, restore_, env_);
      if (restore_.start_server) service_.stop(folder_, kStopTimeout);
      add(after, blobs, progress);
    } catch (const Error&) {
      if (service_.was_stopped()) service_.start();
      throw;
    }
    swap(source, progress);
    clear(after);
    return report_;
  }

  std::optional<ExchangeReport> finish() {
    const auto restore = load_restore_state(state_);
    if (!restore || restore->phase == RestorePhase::done) return std::nullopt;
    restore_ = *restore;
    if (restore_.phase == RestorePhase::swapping) {
      if (!is_swapped(restore_, folder_)) return std::nullopt;
      drop_source(restore_, folder_);
      restore_.kept = displaced_with(folder_, restore_.old_inode);
      restore_.kept_blobs = restore_.aside;
    }
    report_.finished_earlier_run = true;
    report_.displaced_to = restore_.kept.empty() ? "" : folder_.path_of(restore_.kept);
    KeyList after(state_, env_);
    if (const auto live = folder_.open_live(); live && !instance_.blob_dir.empty()) list_blobs(*live, after);
    clear(after);
    return report_;
  }

 private:
  void begin(const upgrade::RollbackSource& source, const std::string& from_stamp) {
    const auto earlier = load_restore_state(state_);
    restore_.phase = RestorePhase::swapping;
    restore_.begun = env_.now();
    restore_.from = from_stamp;
    restore_.wanted = source.database;
    restore_.source = source.name;
    restore_.in_vault = source.in_vault;
    if (const auto live = folder_.dir().status(folder_.data_name())) restore_.old_inode = live->inode;
    restore_.aside = free_aside();
    restore_.start_server = folder_.server_is_running();
    if (!earlier) return;
    restore_.kept = earlier->kept;
    restore_.kept_blobs = earlier->kept_blobs;
    // A run that was cut off had stopped the server.
    restore_.start_server =
        restore_.start_server || (earlier->phase != RestorePhase::done && earlier->start_server);
  }

  std::string free_aside() {
    if (instance_.blob_dir.empty()) return {};
    const std::size_t slash = instance_.blob_dir.rfind('/');
    const auto parent =
        env_.open_dir(slash == 0 ? "/" : instance_.blob_dir.substr(0, slash), io::Links::administrator);
    for (base::UtcTime time = env_.now();; ++time.seconds) {
      const std::string path = instance_.blob_dir + ".replaced-" + base::to_stamp(time);
      if (!parent->status(path.substr(slash + 1))) return path;
    }
  }

  void add(KeyList& after, const BlobSources& blobs, const StartProgress& progress) {
    if (instance_.blob_dir.empty()) return;
    const BlobLayout layout = blobs.aside != nullptr ? blobs.aside->layout() : blobs.layout;
    // Made anew if a disaster took it.
    const auto live = open_or_make_blob_folder(env_, instance_.blob_dir, layout, folder_.dir().status().owner,
                                               kBlobFolderMode);
    report_.blobs_added =
        add_blobs(env_, after, *live, blobs,
                  progress ? progress("adding blobs of " + instance_.name, 0) : io::OnProgress());
  }

  void swap(const upgrade::RollbackSource& source, const StartProgress& progress) {
    upgrade::RollbackPlan plan;
    plan.source = source;
    plan.word = "replaced";
    plan.stop_server = restore_.start_server;
    plan.move_instead_of_copy = true;
    report_.displaced_to =
        upgrade::carry_out(
            env_, folder_, plan, service_,
            progress ? progress("restoring " + instance_.name, source.database.size) : io::OnProgress())
            .displaced_to;
    const std::size_t slash = report_.displaced_to.rfind('/');
    restore_.kept = slash == std::string::npos ? "" : report_.displaced_to.substr(slash + 1);
    restore_.kept_blobs = restore_.aside;
  }

  // After the swap: whatever fails here, the new pair is live and complete.
  void clear(KeyList& after) {
    try {
      restore_.phase = RestorePhase::clearing;
      save_restore_state(state_, restore_, env_);
      close_upgrade(env_, state_, restore_);
      move_aside(after);
      restore_.phase = RestorePhase::done;
      save_restore_state(state_, restore_, env_);
    } catch (const Error& error) {
      if (restore_.start_server) service_.start();
      throw Error(error).with_hint("the restored database is live; " + std::string(kFinishHint));
    }
    report_.started = restore_.start_server && service_.start();
    report_.start_failed = restore_.start_server && !report_.started;
  }

  void move_aside(KeyList& after) {
    if (instance_.blob_dir.empty() || restore_.kept.empty()) return;
    const auto live = BlobFolder::find(env_, instance_.blob_dir);
    const auto kept = folder_.open_if_ours(restore_.kept);
    if (!live || !kept) return;
    KeyList before(state_, env_);
    try {
      list_blobs(*kept, before);
    } catch (const Error& error) {
      // A database that is damaged does not say which blobs are its own: they stay where they are.
      if (error.kind() != ErrorKind::corrupt) throw;
      return;
    }
    const Surplus surplus = move_surplus(env_, before, after, *live, restore_.aside);
    report_.blobs_moved = surplus.moved;
    report_.blobs_left = surplus.left;
    if (BlobFolder::find(env_, restore_.aside)) report_.aside = restore_.aside;
  }

  io::Env& env_;
  const Instance& instance_;
  io::Dir& state_;
  DataFolder folder_;
  upgrade::Service service_;
  RestoreState restore_;
  ExchangeReport report_;
};

}  // namespace

ExchangeReport exchange(io::Env& env, const Instance& instance, io::Dir& state,
                        const upgrade::RollbackSource& source, const std::string& from_stamp,
                        const BlobSources& blobs, const StartProgress& progress) {
  return Exchange(env, instance, state).run(source, from_stamp, blobs, progress);
}

std::optional<ExchangeReport> finish_exchange(io::Env& env, const Instance& instance, io::Dir& state) {
  return Exchange(env, instance, state).finish();
}

bool has_unfinished_exchange(io::Env& env, const Instance& instance) {
  const auto state = upgrade::find_state(env, instance.name);
  const auto restore = state ? load_restore_state(*state) : std::nullopt;
  if (!restore || restore->phase == RestorePhase::done) return false;
  if (restore->phase == RestorePhase::clearing) return true;
  DataFolder folder(env, instance);
  return is_swapped(*restore, folder);
}

}  // namespace backup
