#include "backup/pair.h"

#include <algorithm>

#include "backup/archive.h"
#include "backup/blob_folder.h"
#include "backup/chain_file.h"
#include "backup/collect.h"
#include "backup/key_list.h"
#include "backup/names.h"
#include "backup/piece_check.h"
#include "backup/repository_folder.h"
#include "backup/stored_blobs.h"
#include "base/error.h"
#include "base/text.h"
#include "filestorage/scan.h"
#include "repozo/chains.h"
#include "upgrade/data_folder.h"
#include "upgrade/fingerprint.h"

namespace backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint64_t kSlack = 1 << 20;
constexpr std::uint64_t kMemberOverhead = 1536;  // header, padding, entry of the list

// Sums and index beside a piece take a small share of it.
std::uint64_t space_for(std::uint64_t database, std::uint64_t blob_bytes, std::uint64_t blobs) {
  return database + database / 16 + blob_bytes + blobs * kMemberOverhead + kSlack;
}

void demand_space(io::Dir& repository, std::uint64_t needed) {
  const std::uint64_t free = repository.space().free;
  if (free >= needed) return;
  throw Error(ErrorKind::no_space, "back up", repository.path(),
              "needs " + base::human_size(needed) + ", there are " + base::human_size(free))
      .with_hint("make room, or keep fewer backups (backup-keep); what is stored there stands");
}

// Why the newest chain cannot be added to; "" if it can.
std::string reason_for_full(const std::vector<repozo::Chain>& chains, const upgrade::Settings& settings,
                            base::UtcTime now) {
  if (chains.empty()) return "there is no backup yet";
  const repozo::Chain& chain = chains.back();
  if (chain.headless || !chain.problem.empty()) return "the last full backup is not usable";
  for (const repozo::Piece& piece : chain.pieces) {
    if (piece.missing || !piece.described) return "a piece of the last backups is missing";
    if (piece.name.gzip) return "a piece of the last backups is compressed";
  }
  const auto begun = repozo::time_of(chain.stamp);
  if (!begun || now.seconds - begun->seconds >= settings.backup_max_age_of_full)
    return "the last full backup is old enough";
  return {};
}

std::unique_ptr<io::File> open_database(upgrade::DataFolder& folder) {
  auto live = folder.open_live();
  if (live) return live;
  throw Error(ErrorKind::not_found, "back up", folder.path_of(folder.data_name()), "there is no database");
}

// What the newest backup before `stamp` knows of its blobs, if all of it can be built on.
const Record* usable_base(const Records& records, const repozo::Chain& chain, StoredBlobs& stored) {
  if (chain.pieces.size() < 2) return nullptr;
  const Record* before = records.find(chain.pieces[chain.pieces.size() - 2].name.stamp);
  if (before == nullptr || before->chain != chain.stamp) return nullptr;
  if (before->missing != 0) return nullptr;  // they may be there again
  const bool all_there = std::all_of(before->archives.begin(), before->archives.end(),
                                     [&](const std::string& archive) { return stored.has_archive(archive); });
  return all_there ? before : nullptr;
}

bool is_complete(const Record& record, StoredBlobs& stored) {
  return std::all_of(record.archives.begin(), record.archives.end(),
                     [&](const std::string& archive) { return stored.has_archive(archive); });
}

// The stamp of the backup, or one after it if an interrupted run used that already.
std::string free_archive_stamp(io::Dir& repository, const std::string& wanted) {
  std::string stamp = wanted;
  while (repository.status(archive_name(stamp)) || repository.status(manifest_name(stamp))) {
    const auto next = repozo::stamp_after(stamp);
    if (!next) throw Error(ErrorKind::exists, "archive", repository.path(), "there is no free stamp");
    stamp = *next;
  }
  return stamp;
}

class PairMaker {
 public:
  PairMaker(io::Env& env, const upgrade::Instance& instance, const PairRequest& request,
            const StartProgress& progress)
      : env_(env),
        instance_(instance),
        request_(request),
        progress_(progress),
        folder_(env, instance),
        repository_(env, open_repository(env, instance)) {}

  // False if another try is due: the database was replaced meanwhile, or what an interrupted run left is
  // damaged.
  bool attempt(bool last_try) {
    result_ = {};
    const base::UtcTime begun = env_.now();
    const auto live = open_database(folder_);
    const io::FileStatus before = live->status();
    const auto chains = repozo::list_chains(repository_);
    const std::string reason = request_.full     ? "asked for"
                               : newest_damaged_ ? "the last backup is damaged"
                                                 : reason_for_full(chains, instance_.settings, begun);
    const std::uint64_t held = chains.empty() ? 0 : chains.back().last().end;
    const bool grows = reason.empty() && before.size >= held;
    demand_space(dir(), space_for(grows ? before.size - held : before.size, 0, 0));
    repozo::BackupOptions options;
    options.full = !reason.empty();
    options.quick = true;
    options.compare = true;
    repozo::Report report;
    report.progress = progress_;
    report.warning = [&](const std::string& line) { result_.warnings.push_back(line); };
    const repozo::BackupResult done =
        repozo::back_up(repository_, {folder_.dir(), folder_.data_name()}, options, report);
    result_.action = done.action;
    result_.damage = done.damage;
    result_.reason = reason.empty() ? done.reason : reason;
    const auto now_live = folder_.dir().status(folder_.data_name());
    replaced_ = !now_live || !now_live->same_file(before);
    if (replaced_ && !last_try) return false;
    return complete(done, begun, before, last_try);
  }

  PairResult take() { return std::move(result_); }

 private:
  io::Dir& dir() { return repository_.dir(); }

  bool replaced(const io::FileStatus& before) {
    const auto status = folder_.dir().status(folder_.data_name());
    return replaced_ || !status || !status->same_file(before);
  }

  // Gives the newest piece its blobs and its record.
  bool complete(const repozo::BackupResult& done, base::UtcTime begun, const io::FileStatus& before,
                bool last_try) {
    // Held until the record stands: others sweep temporaries under it.
    const io::FileLock lock = repository_.lock_and_sweep("schooltool-db-backup");
    const auto chains = repozo::list_chains(repository_);
    const auto chain = std::find_if(chains.rbegin(), chains.rend(),
                                    [&](const repozo::Chain& other) { return other.stamp == done.chain; });
    if (chain == chains.rend() || chain->last().name.stamp != done.stamp) {
      throw Error(ErrorKind::corrupt, "read", dir().path(), "the backup just made is not the newest");
    }
    const Records records = load_records(dir());
    StoredBlobs stored(dir());
    result_.warnings.insert(result_.warnings.end(), records.problems.begin(), records.problems.end());
    result_.warnings.insert(result_.warnings.end(), stored.problems().begin(), stored.problems().end());
    if (const Record* known = records.find(done.stamp); done.action == repozo::Action::none &&
                                                        known != nullptr && known->missing == 0 &&
                                                        is_complete(*known, stored)) {
      result_.record = *known;
      if (!request_.accept) result_.larger = request_.larger;
      return true;
    }
    const repozo::Piece& piece = chain->last();
    try {
      check_piece(dir(), piece);
    } catch (const Error& error) {
      newest_damaged_ = error.kind() == ErrorKind::corrupt && done.action == repozo::Action::none;
      if (!newest_damaged_ || last_try) throw;
      return false;
    }
    ChainFile database(dir(), *chain, chain->pieces.size());
    Record record = describe(piece, chain->stamp, begun, before, database);
    const Record* base = usable_base(records, *chain, stored);
    if (!store_blobs(record, base, piece, database, stored, before, last_try)) return false;
    record.seconds =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, env_.now().seconds - begun.seconds));
    judge_size(record, records, database);
    save_record(dir(), record, env_);
    result_.record = std::move(record);
    return true;
  }

  Record describe(const repozo::Piece& piece, const std::string& chain, base::UtcTime begun,
                  const io::FileStatus& live, io::File& database) {
    Record record;
    record.stamp = piece.name.stamp;
    record.chain = chain;
    record.file = piece.name.file();
    record.start = piece.start;
    record.end = piece.end;
    record.md5 = piece.md5;
    record.last_tid = piece.end > filestorage::kMagicSize ? upgrade::last_tid(database, piece.end) : 0;
    record.source = instance_.data_path();
    record.owner = live.owner;
    record.mode = live.mode;
    record.begun = begun;
    return record;
  }

  bool store_blobs(Record& record, const Record* base, const repozo::Piece& piece, io::File& database,
                   StoredBlobs& stored, const io::FileStatus& before, bool last_try) {
    const auto live = BlobFolder::find(env_, instance_.blob_dir);
    if (live) record.layout = live->layout();
    KeyList to_store(dir(), env_);
    const std::uint64_t from = base != nullptr ? piece.start : filestorage::kMagicSize;
    Collected found = collect_blobs(database, from, piece.end, stored, live.get(), to_store);
    std::set<std::string> archives = found.archives;
    if (base != nullptr) {
      archives.insert(base->archives.begin(), base->archives.end());
      found.blobs += base->blobs;
      found.missing += base->missing;
      found.missing_names.insert(found.missing_names.begin(), base->missing_names.begin(),
                                 base->missing_names.end());
    }
    if (to_store.count() != 0) {
      demand_space(dir(), space_for(0, found.new_bytes, to_store.count()));
      const std::string stamp = free_archive_stamp(dir(), record.stamp);
      if (!write_archive(record, stamp, found, *live, to_store)) {
        if (replaced(before) && !last_try) return false;
      }
      if (record.new_blobs != 0) archives.insert(stamp);
    }
    if (found.missing != 0 && replaced(before) && !last_try) return false;
    if (found.missing_names.size() > kMostMissingNames) found.missing_names.resize(kMostMissingNames);
    record.with_blobs = !instance_.blob_dir.empty() || found.blobs != 0;
    record.blobs = found.blobs;
    record.missing = found.missing;
    record.missing_names = found.missing_names;
    record.archives.assign(archives.begin(), archives.end());
    return true;
  }

  // False if one of the blobs went away meanwhile.
  bool write_archive(Record& record, const std::string& stamp, Collected& found, BlobFolder& live,
                     KeyList& to_store) {
    const io::OnProgress progress =
        progress_ ? progress_("blobs of " + instance_.name, found.new_bytes) : io::OnProgress();
    ArchiveWriter out(dir(), stamp, live.layout(), env_);
    bool all_there = true;
    to_store.for_each([&](const BlobKey& key) {
      const auto file = live.open(key);
      if (!file) {
        all_there = false;
        ++found.missing;
        if (found.missing_names.size() < kMostMissingNames)
          found.missing_names.push_back(filestorage::blob_path(live.layout(), key));
        return;
      }
      out.add(key, *file);
      if (progress) progress(out.bytes());
    });
    if (out.count() == 0) return all_there;
    record.new_blobs = out.count();
    record.new_blob_bytes = out.bytes();
    out.commit();
    const auto archive = dir().open_file(archive_name(stamp), io::Access::read);
    archive->drop_cache(0, archive->status().size);
    check_archive(*archive, *open_manifest(dir(), stamp),
                  progress_ ? progress_("checking the blobs of " + instance_.name, archive->status().size)
                            : io::OnProgress());
    return all_there;
  }

  // A database that became smaller was packed, or is another one. A pack marks what it kept. One that shrank
  // is compared with the last backup before that until it is explained: further backups of the smaller
  // database explain nothing.
  void judge_size(const Record& record, const Records& records, io::File& database) {
    const Record* before = nullptr;
    for (const Record& other : records.all) {
      if (other.stamp < record.stamp) before = &other;
    }
    if (before != nullptr) result_.size_before = before->end;
    if (request_.accept) return;
    std::optional<Larger> larger = request_.larger;
    if (!larger && before != nullptr) larger = Larger{before->stamp, before->end, before->last_tid};
    if (!larger || record.end >= larger->size) return;
    filestorage::ScanOptions options;
    options.limit = record.end;
    options.records = false;
    const auto scan = filestorage::scan(database, options);
    if (scan.packed == 0 || scan.first_tid > larger->last_tid || scan.last_tid < larger->last_tid) {
      result_.larger = std::move(larger);
    }
  }

  io::Env& env_;
  const upgrade::Instance& instance_;
  const PairRequest& request_;
  const StartProgress& progress_;
  upgrade::DataFolder folder_;
  repozo::Repository repository_;
  bool replaced_ = false;
  bool newest_damaged_ = false;  // a piece without a record, so that no backup counts it
  PairResult result_;
};

}  // namespace

PairPlan plan_pair(io::Env& env, const upgrade::Instance& instance, bool full) {
  PairPlan plan;
  upgrade::DataFolder folder(env, instance);
  const auto live = open_database(folder);
  const std::uint64_t end = filestorage::find_end(*live, live->status().size);
  std::vector<repozo::Chain> chains;
  std::unique_ptr<StoredBlobs> stored;
  bool has_all_blobs = false;  // the newest backup
  std::optional<repozo::Repository> repository;
  if (auto dir = find_repository(env, instance)) {
    plan.space_free = dir->space().free;
    repository.emplace(env, std::move(dir));
    chains = repozo::list_chains(*repository);
    stored = std::make_unique<StoredBlobs>(repository->dir());
    const Records records = load_records(repository->dir());
    const Record* newest = chains.empty() ? nullptr : records.find(chains.back().last().name.stamp);
    has_all_blobs = newest != nullptr && newest->missing == 0 && is_complete(*newest, *stored);
  }
  plan.reason = full ? "asked for" : reason_for_full(chains, instance.settings, env.now());
  const std::uint64_t held = chains.empty() ? 0 : chains.back().last().end;
  if (plan.reason.empty() && end < held) plan.reason = "the database became shorter, perhaps by a pack";
  plan.full = !plan.reason.empty();
  const std::uint64_t from = plan.full || !has_all_blobs ? filestorage::kMagicSize : held;
  plan.bytes = plan.full ? end : end - held;
  const auto blobs = BlobFolder::find(env, instance.blob_dir);
  for_each_blob(*live, from, end, [&](const BlobKey& key) {
    if (stored && stored->find(key)) return;
    const auto size = blobs ? blobs->size(key) : std::nullopt;
    plan.new_blobs += size ? 1U : 0U;
    plan.new_blob_bytes += size.value_or(0);
    plan.missing += size ? 0U : 1U;
  });
  plan.space_needed = space_for(plan.bytes, plan.new_blob_bytes, plan.new_blobs);
  return plan;
}

std::uint64_t space_for_full(std::uint64_t database) {
  return space_for(database, 0, 0);
}

PairResult make_pair(io::Env& env, const upgrade::Instance& instance, const PairRequest& request,
                     const StartProgress& progress) {
  PairMaker maker(env, instance, request, progress);
  if (!maker.attempt(false)) maker.attempt(true);
  return maker.take();
}

}  // namespace backup
