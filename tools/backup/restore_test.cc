#include "backup/restore_test.h"

#include "backup/collect.h"
#include "backup/put_blobs.h"
#include "backup/record.h"
#include "backup/repository_folder.h"
#include "base/error.h"
#include "base/text.h"
#include "filestorage/scan.h"
#include "io/file_lock.h"
#include "repozo/recover.h"

namespace backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr const char* kDatabase = "Data.fs";
constexpr const char* kBlobs = "blobs";
constexpr const char* kLock = ".restore-test.lock";

// Only what a restore makes lies there: plain files and folders of ours, a few levels deep.
void remove_tree(io::Dir& above, const std::string& name) {
  const auto status = above.status(name);
  if (!status) return;
  if (status->type != io::FileType::directory) {
    above.remove(name);
    return;
  }
  {
    const auto dir = above.open_dir(name);
    for (const std::string& inner : dir->list()) remove_tree(*dir, inner);
  }
  above.remove_dir(name);
}

// Removes the folder whatever happens.
class Scratch {
 public:
  explicit Scratch(io::Dir& above) : above_(above) {
    remove_tree(above, kScratchName);  // of a run that was killed
    above.make_dir(kScratchName, 0700);
    dir_ = above.open_dir(kScratchName);
  }
  ~Scratch() {
    try {
      dir_.reset();
      remove_tree(above_, kScratchName);
    } catch (...) {  // a destructor cannot tell; the next run removes it
    }
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  io::Dir& dir() { return *dir_; }

 private:
  io::Dir& above_;
  std::unique_ptr<io::Dir> dir_;
};

[[noreturn]] void refuse(const Record& record, const std::string& why) {
  throw Error(ErrorKind::corrupt, "restore", record.file, why);
}

void demand_space(io::Dir& dir, const Record& record, StoredBlobs& stored, io::File& database) {
  std::uint64_t needed = record.end / 16;
  for_each_blob(database, filestorage::kMagicSize, record.end, [&](const BlobKey& key) {
    if (const auto found = stored.find(key)) needed += found->entry.size;
  });
  const std::uint64_t free = dir.space().free;
  if (free >= needed) return;
  throw Error(ErrorKind::no_space, "restore for the test", dir.path(),
              "needs " + base::human_size(needed) + ", there are " + base::human_size(free));
}

std::uint64_t restore_blobs(io::Env& env, io::Dir& repository, io::Dir& scratch, const std::string& path,
                            const Record& record, io::File& database, const StartProgress& progress) {
  StoredBlobs stored(repository, record.archives);
  demand_space(repository, record, stored, database);
  const auto made = open_or_make_blob_folder(env, path, record.layout, {0, 0}, 0700);
  BlobFolder& blobs = *made;
  KeyList keys(scratch, env);
  for_each_blob(database, filestorage::kMagicSize, record.end, [&](const BlobKey& key) { keys.add(key); });
  BlobSources sources;
  sources.stored = &stored;
  sources.repository = &repository;
  add_blobs(env, keys, blobs, sources,
            progress ? progress("restoring blobs for the test", 0) : io::OnProgress());
  std::uint64_t found = 0, missing = 0;
  keys.for_each([&](const BlobKey& key) {
    const auto size = blobs.size(key);
    const auto entry = stored.find(key);
    if (size && entry && *size == entry->entry.size) {
      ++found;
    } else {
      ++missing;
    }
  });
  if (missing > record.missing) refuse(record, std::to_string(missing) + " blobs did not come back");
  return found;
}

}  // namespace

RestoreTest test_restore(io::Env& env, const upgrade::Instance& instance, const std::string& stamp,
                         const StartProgress& progress) {
  repozo::Repository repository(env, need_repository(env, instance));
  const Record record = load_record(repository.dir(), stamp);
  const io::FileLock lock(repository.dir(), kLock, "schooltool-db-verify", 0, env);
  const std::uint64_t needed = record.end + record.end / 16;
  if (const std::uint64_t free = repository.dir().space().free; free < needed) {
    throw Error(ErrorKind::no_space, "restore for the test", repository.dir().path(),
                "needs " + base::human_size(needed) + ", there are " + base::human_size(free));
  }
  Scratch scratch(repository.dir());
  repozo::RecoverOptions options;
  options.date = stamp;
  repozo::Report report;
  report.progress = progress;
  repozo::recover_file(repository, {scratch.dir(), kDatabase, io::Owner{0, 0}, 0600}, options, report);
  const auto database = scratch.dir().open_file(kDatabase, io::Access::read);
  filestorage::Index positions;
  filestorage::ScanOptions scan_options;
  scan_options.positions = &positions;
  const auto scan = filestorage::scan(*database, scan_options);
  if (scan.damaged()) refuse(record, "the database that came back is damaged: " + scan.findings.front().text);
  if (scan.end != record.end || scan.size != record.end || scan.last_tid != record.last_tid)
    refuse(record, "another database came back than the one that was backed up");
  RestoreTest test;
  test.stamp = stamp;
  test.bytes = scan.end;
  test.transactions = scan.transactions;
  test.objects = scan.objects;
  if (record.with_blobs)
    test.blobs = restore_blobs(env, repository.dir(), scratch.dir(),
                               repository_path(instance) + "/" + kScratchName + "/" + kBlobs, record,
                               *database, progress);
  return test;
}

}  // namespace backup
