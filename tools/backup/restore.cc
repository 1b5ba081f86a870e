#include "backup/restore.h"

#include <algorithm>
#include <array>

#include "backup/archive.h"
#include "backup/chain_file.h"
#include "backup/collect.h"
#include "backup/names.h"
#include "backup/outcome.h"
#include "backup/presence.h"
#include "backup/repository_folder.h"
#include "base/error.h"
#include "base/text.h"
#include "filestorage/scan.h"
#include "io/file_lock.h"
#include "repozo/chains.h"
#include "repozo/recover.h"
#include "upgrade/data_folder.h"
#include "upgrade/fingerprint.h"
#include "upgrade/journal.h"

namespace backup {

using base::Error;
using base::ErrorKind;
using upgrade::DataFolder;
using upgrade::Instance;

namespace {

constexpr std::uint64_t kSlack = 4 << 20;
constexpr std::uint64_t kBlockSize = 4096;  // a small file takes as much

Error refused(const Error& error) {
  if (!error.hint().empty()) return error;
  return Error(error).with_hint("nothing was changed; 'schooltool-db verify' tells which backups are sound");
}

// Transactions later than `tid`; 0 for a file that is no database.
std::uint64_t count_later(io::File& file, base::Tid tid) {
  const std::uint64_t end = filestorage::find_end(file, file.status().size);
  std::uint64_t later = 0;
  for (std::uint64_t at = filestorage::kMagicSize; at < end;) {
    std::array<std::byte, filestorage::kTransactionHeaderSize> bytes;
    if (file.read_full(at, bytes) != bytes.size()) break;
    const auto header = filestorage::load_transaction_header(bytes.data());
    if (header.length < bytes.size() || header.length > end - at) break;
    later += header.tid > tid ? 1U : 0U;
    at += header.length + filestorage::kTrailerSize;
  }
  return later;
}

void look_at_live(RestorePlan& plan, DataFolder& folder) {
  plan.server_runs = folder.server_is_running();
  plan.space_free = folder.dir().space().free;
  const auto live = folder.open_live();
  if (!live) return;
  plan.live_exists = true;
  plan.live_size = live->status().size;
  const std::uint64_t end = filestorage::find_end(*live, plan.live_size);
  plan.live_last_tid = end > filestorage::kMagicSize ? upgrade::last_tid(*live, end) : 0;
  plan.transactions_lost = count_later(*live, plan.record.last_tid);
}

// `last_good`: its stamp, as far as it is known.
const Record& choose(const Records& records, const std::string& last_good, const Instance& instance,
                     const std::optional<base::UtcTime>& moment) {
  const std::string latest = moment ? repozo::stamp_of(*moment) : "9";
  const Record* chosen = nullptr;
  for (const Record& record : records.all) {
    if (record.stamp <= latest) chosen = &record;
  }
  const auto refuse_if_meant = [&](const std::string& stamp, const char* what) {
    if (stamp > latest || (chosen != nullptr && stamp <= chosen->stamp)) return;
    throw Error(ErrorKind::corrupt, "restore", repository_path(instance) + "/" + record_name(stamp),
                std::string(what) + ", and is that of the backup to restore")
        .with_hint("to restore an older backup, name its moment; 'schooltool-db list' shows them");
  };
  for (const std::string& damaged : records.damaged) refuse_if_meant(damaged, "is damaged");
  if (!last_good.empty()) refuse_if_meant(last_good, "is missing");
  if (chosen != nullptr) return *chosen;
  throw Error(ErrorKind::not_found, "restore", repository_path(instance),
              moment ? "there is no backup from " + base::to_iso(*moment) + " or before"
                     : "there is no complete backup")
      .with_hint("'schooltool-db list' shows what can be restored");
}

// A database without its blobs is half a school, and nobody would notice before one of them is asked for.
void demand_blob_folder(const Instance& instance, bool has_blobs) {
  if (!has_blobs || !instance.blob_dir.empty()) return;
  throw Error(ErrorKind::not_found, "restore", instance.data_path(),
              "there are blobs to be restored with it, and no blob folder is configured")
      .with_hint(
          "nothing was changed; set 'blobs = FOLDER' for the instance in "
          "/etc/schooltool-dbtools.conf");
}

// Blobs are in the archives of the record; the live folder may have them too.
void find_blobs(io::Env& env, const Instance& instance, io::Dir& repository, io::File& database,
                RestorePlan& plan) {
  if (!plan.record.with_blobs || instance.blob_dir.empty()) return;
  StoredBlobs stored(repository, plan.record.archives);
  const auto live = BlobFolder::find(env, instance.blob_dir);
  for_each_blob(database, filestorage::kMagicSize, plan.record.end, [&](const BlobKey& key) {
    const auto there = live ? live->size(key) : std::nullopt;
    const auto found = stored.find(key);
    if (there && (!found || found->entry.size == *there)) return;
    plan.blobs_to_add += found ? 1U : 0U;
    plan.blob_bytes_to_add += found ? found->entry.size : 0U;
    plan.blobs_missing += found ? 0U : 1U;
  });
  if (plan.blobs_missing > plan.record.missing) {
    throw Error(ErrorKind::corrupt, "restore", repository.path(),
                std::to_string(plan.blobs_missing) + " blobs of the backup are not in its archives" +
                    (stored.problems().empty() ? "" : ": " + stored.problems().front()));
  }
}

// Of the blobs that the database names, those that are neither in the live folder nor in the one moved aside.
std::uint64_t count_lost(io::Env& env, const Instance& instance, io::File& database, std::uint64_t end,
                         BlobFolder* aside) {
  if (instance.blob_dir.empty()) return 0;
  const auto live = BlobFolder::find(env, instance.blob_dir);
  std::uint64_t lost = 0;
  for_each_blob(database, filestorage::kMagicSize, end, [&](const BlobKey& key) {
    const bool there = (live && live->size(key)) || (aside != nullptr && aside->size(key));
    lost += there ? 0U : 1U;
  });
  return lost;
}

// The folder of the blobs may be on a file system of its own.
void add_space_for_blobs(io::Env& env, const Instance& instance, DataFolder& folder, RestorePlan& plan) {
  if (plan.blobs_to_add == 0) return;
  const std::uint64_t needed = plan.blob_bytes_to_add + plan.blobs_to_add * kBlockSize;
  const auto live = BlobFolder::find(env, instance.blob_dir);
  if (!live || live->dir().status().device == folder.dir().status().device) {
    plan.space_needed += needed;
    return;
  }
  plan.blob_space_needed = needed;
  plan.blob_space_free = live->dir().space().free;
}

void demand_space(const std::string& path, std::uint64_t needed, std::uint64_t free) {
  if (free >= needed) return;
  throw Error(ErrorKind::no_space, "restore", path,
              "needs " + base::human_size(needed) + ", there are " + base::human_size(free))
      .with_hint("make room there; nothing was changed");
}

void demand_space(const RestorePlan& plan, const Instance& instance) {
  demand_space(instance.data_path(), plan.space_needed, plan.space_free);
  demand_space(instance.blob_dir, plan.blob_space_needed, plan.blob_space_free);
}

std::string staged_name(DataFolder& folder) {
  return folder.data_name() + ".restore";
}

void remove_staged(DataFolder& folder) {
  io::Dir* vault = folder.find_vault();
  if (vault == nullptr) return;
  for (const std::string& name : {staged_name(folder), staged_name(folder) + ".index"}) {
    if (vault->status(name)) vault->remove(name);
  }
}

// Of the live database, else of its folder: the recorded number may be somebody else's on a new machine.
// Never root's, whose files the server cannot open, if anything else is known.
void give_to_service(DataFolder& folder, const Record& record, upgrade::Fingerprint& database) {
  const auto live = folder.dir().status(folder.data_name());
  const bool usable = live && live->type == io::FileType::regular && live->owner.uid != 0;
  database.mode = usable ? live->mode : record.mode;
  database.owner = usable ? live->owner : folder.dir().status().owner;
  if (database.owner.uid == 0) database.owner = record.owner;
}

// Puts the database together in the vault and proves it.
upgrade::RollbackSource stage(DataFolder& folder, repozo::Repository& repository, const Record& record,
                              const StartProgress& progress) {
  io::Dir& vault = folder.make_vault();
  repozo::RecoverOptions options;
  options.date = record.stamp;
  repozo::Report report;
  report.progress = progress;
  const repozo::Target target{vault, staged_name(folder), io::Owner{0, 0}, 0600};
  const auto recovered = repozo::recover_file(repository, target, options, report);
  if (vault.status(staged_name(folder) + ".index")) vault.remove(staged_name(folder) + ".index");
  const auto file = vault.open_file(staged_name(folder), io::Access::read);
  const auto scan = upgrade::scan_whole(*file, file->status().size, 0, nullptr, {});
  if (recovered.stamp != record.stamp || scan.damaged() || scan.end != record.end ||
      scan.size != record.end || scan.last_tid != record.last_tid) {
    throw Error(ErrorKind::corrupt, "restore", repository.dir().path() + "/" + record.file,
                "does not give the database that its record tells of");
  }
  upgrade::RollbackSource source;
  source.name = staged_name(folder);
  source.in_vault = true;
  source.database = upgrade::fingerprint_of(scan, file->status());
  give_to_service(folder, record, source.database);
  return source;
}

// Every blob that will be taken from an archive is read once before anything is stopped or touched.
void prove_blobs(io::Env& env, const Instance& instance, io::Dir& repository, StoredBlobs& stored,
                 io::File& database, std::uint64_t known_missing, const StartProgress& progress) {
  const auto live = BlobFolder::find(env, instance.blob_dir);
  const io::OnProgress tell = progress ? progress("checking blobs of " + instance.name, 0) : io::OnProgress();
  std::string open;
  std::unique_ptr<io::File> archive;
  std::uint64_t done = 0, missing = 0;
  for_each_blob(database, filestorage::kMagicSize, database.status().size, [&](const BlobKey& key) {
    const auto found = stored.find(key);
    const auto there = live ? live->size(key) : std::nullopt;
    if (!found) {
      missing += there ? 0U : 1U;
      return;
    }
    if (there && *there == found->entry.size) return;
    if (open != found->archive) {
      archive = repository.open_file(archive_name(found->archive), io::Access::read);
      open = found->archive;
    }
    read_blob(*archive, found->entry, [](base::ByteSpan) {});
    done += found->entry.size;
    if (tell) tell(done);
  });
  if (missing > known_missing) {
    throw Error(ErrorKind::corrupt, "restore", repository.path(),
                std::to_string(missing) + " blobs of the backup are not in its archives");
  }
}

ExchangeReport restore_backup(io::Env& env, const Instance& instance, io::Dir& state, DataFolder& folder,
                              const Record& record, const StartProgress& progress) {
  repozo::Repository repository(env, need_repository(env, instance));
  StoredBlobs stored(repository.dir(), record.archives);
  remove_staged(folder);
  try {
    const auto source = stage(folder, repository, record, progress);
    const bool blobs = record.with_blobs && !instance.blob_dir.empty();
    if (blobs) {
      const auto staged = folder.find_vault()->open_file(source.name, io::Access::read);
      prove_blobs(env, instance, repository.dir(), stored, *staged, record.missing, progress);
    }
    BlobSources sources;
    if (blobs) {
      sources.stored = &stored;
      sources.repository = &repository.dir();
      sources.layout = record.layout;
    }
    return exchange(env, instance, state, source, record.stamp, sources, progress);
  } catch (const Error&) {
    try {
      remove_staged(folder);  // gone already if it became live
    } catch (const Error&) {
      // Documented boundary: the next run removes it.
    }
    throw;
  }
}

ExchangeReport undo(io::Env& env, const Instance& instance, io::Dir& state, DataFolder& folder,
                    const StartProgress& progress) {
  const auto last = load_restore_state(state);
  if (!last || last->kept.empty())
    throw Error(ErrorKind::not_found, "undo", instance.data_path(), "there is no restore to undo");
  const auto source = upgrade::source_named(folder, last->kept);
  const auto aside = BlobFolder::find(env, last->kept_blobs);
  BlobSources sources;
  sources.aside = aside.get();
  return exchange(env, instance, state, source, "", sources, progress);
}

// After a disaster the whole folder may be gone; whose it was only the administrator knows for sure.
DataFolder open_data_folder(io::Env& env, const Instance& instance) {
  try {
    return DataFolder(env, instance);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    throw Error(error).with_hint(
        "make the folder first, as the server's user owns it: install -d -m 0750 -o schooltool -g "
        "schooltool " +
        instance.data_dir);
  }
}

}  // namespace

RestorePlan plan_restore(io::Env& env, const Instance& instance, const std::optional<base::UtcTime>& moment) {
  repozo::Repository repository(env, need_repository(env, instance));
  const Records records = load_records(repository.dir());
  RestorePlan plan;
  plan.record = choose(records, last_good_stamp(env, instance), instance, moment);
  plan.problems = records.problems;
  plan.source_path = repository.dir().path() + "/" + plan.record.file;
  demand_blob_folder(instance, plan.record.blobs > plan.record.missing);
  try {
    const auto chains = repozo::list_chains(repository);
    const RecordedPieces pieces = pieces_of(plan.record, chains);
    if (pieces.count == 0) {
      throw Error(ErrorKind::corrupt, "read", plan.source_path, "is not the piece that its record tells of");
    }
    ChainFile database(repository.dir(), *pieces.chain, pieces.count);
    find_blobs(env, instance, repository.dir(), database, plan);
  } catch (const Error& error) {
    throw refused(error);
  }
  DataFolder folder = open_data_folder(env, instance);
  plan.finishes = has_unfinished_exchange(env, instance);
  look_at_live(plan, folder);
  plan.space_needed = plan.record.end + plan.record.end / 16 + kSlack;
  add_space_for_blobs(env, instance, folder, plan);
  demand_space(plan, instance);
  return plan;
}

RestorePlan plan_undo(io::Env& env, const Instance& instance) {
  const auto state = upgrade::find_state(env, instance.name);
  const auto last = state ? load_restore_state(*state) : std::nullopt;
  if (!last || last->kept.empty()) {
    throw Error(ErrorKind::not_found, "undo", instance.data_path(), "there is no restore to undo")
        .with_hint("'schooltool-db status' lists the databases that were kept");
  }
  DataFolder folder(env, instance);
  RestorePlan plan;
  plan.undo = true;
  plan.finishes = has_unfinished_exchange(env, instance);
  if (plan.finishes && last->from.empty()) {  // an undo: what it brings back is live already
    plan.source_path = instance.data_path();
    look_at_live(plan, folder);
    return plan;
  }
  const auto aside = BlobFolder::find(env, last->kept_blobs);
  demand_blob_folder(instance, aside != nullptr);
  const auto source = upgrade::source_named(folder, last->kept);
  plan.source_path = folder.path_of(last->kept);
  plan.record.end = source.database.size;
  plan.record.last_tid = source.database.last_tid;
  plan.blobs_missing = count_lost(env, instance, *folder.open_ours(last->kept), plan.record.end, aside.get());
  look_at_live(plan, folder);
  return plan;
}

ExchangeReport restore(io::Env& env, const Instance& instance, const RestorePlan& plan,
                       const StartProgress& progress) {
  const auto state = upgrade::open_state(env, instance.name);
  const io::FileLock lock = upgrade::lock_instance(*state, "schooltool-db-restore", 0, env);
  DataFolder folder(env, instance);
  folder.sweep();
  const auto unfinished = load_restore_state(*state);
  // And nothing else: what would be done besides is not what was agreed on.
  if (auto finished = finish_exchange(env, instance, *state)) {
    finished->as_asked = unfinished->from == plan.record.stamp;
    return *finished;
  }
  return plan.undo ? undo(env, instance, *state, folder, progress)
                   : restore_backup(env, instance, *state, folder, plan.record, progress);
}

}  // namespace backup
