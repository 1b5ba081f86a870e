#include "backup/verify.h"

#include <algorithm>
#include <map>

#include "backup/archive.h"
#include "backup/chain_file.h"
#include "backup/collect.h"
#include "backup/names.h"
#include "backup/outcome.h"
#include "backup/presence.h"
#include "backup/record.h"
#include "backup/repository_folder.h"
#include "backup/restore_test.h"
#include "backup/retention.h"
#include "backup/stored_blobs.h"
#include "base/error.h"
#include "repozo/verify.h"
#include "upgrade/journal.h"

namespace backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr unsigned kMostTries = 3;

class Verifier {
 public:
  Verifier(io::Env& env, const upgrade::Instance& instance, const VerifyRequest& request)
      : request_(request), repository_(env, need_repository(env, instance)) {}

  Verification run() {
    const Records records = load_records(dir());
    for (const std::string& problem : records.problems) add("", problem);
    result_.backups = records.all.size();
    if (records.all.empty()) add("", "there is no complete backup");
    const auto chains = repozo::list_chains(repository_);
    check_pieces(records, chains);
    result_.chains = chains.size();
    check_archives(records);
    for (const Record& record : records.all) check_record(record, chains);
    for (const auto& [chain, record] : newest_of_each(records)) check_pair(*record, chains);
    if (!records.all.empty()) result_.newest = records.all.back().stamp;
    return std::move(result_);
  }

 private:
  io::Dir& dir() { return repository_.dir(); }
  void add(const std::string& name, const std::string& text) { result_.faults.push_back({name, text}); }

  // What goes wrong with one file is a fault of that file; the rest is looked at all the same.
  template <typename Step>
  void guarded(const std::string& name, const Step& step) {
    try {
      step();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::not_found &&
          error.kind() != ErrorKind::unsafe_path)
        throw;
      add(name, error.kind() == ErrorKind::not_found ? "is missing" : error.reason());
    }
  }

  void check_pieces(const Records& records, const std::vector<repozo::Chain>& chains) {
    repozo::VerifyOptions options;
    options.all = true;
    repozo::Report report;
    report.progress = request_.progress;
    guarded("", [&] {
      for (const repozo::VerifyFault& fault : repozo::verify(repository_, options, report).faults) {
        if (concerns_a_backup(fault.name, records, chains)) add(fault.name, fault.text);
      }
    });
  }

  // A run that was cut off leaves pieces behind the last recorded one, and half-removed chains without any
  // record: the next run completes or removes them.
  static bool concerns_a_backup(const std::string& name, const Records& records,
                                const std::vector<repozo::Chain>& chains) {
    const std::string stamp = name.substr(0, name.find('.'));
    if (!repozo::is_stamp(stamp)) return true;
    std::string chain;
    for (const repozo::Chain& other : chains) {
      if (other.stamp <= stamp) chain = other.stamp;
    }
    return std::any_of(records.all.begin(), records.all.end(), [&](const Record& record) {
      return record.stamp >= stamp && (record.chain == chain || record.chain == stamp);
    });
  }

  static bool is_needed(const std::string& archive, const Records& records) {
    return std::any_of(records.all.begin(), records.all.end(), [&](const Record& record) {
      return std::find(record.archives.begin(), record.archives.end(), archive) != record.archives.end();
    });
  }

  void check_archives(const Records& records) {
    for (const std::string& stamp : archives_in(dir())) {
      // What a run that was cut off left before the list: no backup knows of it.
      if (!dir().status(manifest_name(stamp)) && !is_needed(stamp, records)) continue;
      guarded(archive_name(stamp), [&] {
        const auto manifest = open_manifest(dir(), stamp);
        const auto archive = dir().open_file(archive_name(stamp), io::Access::read);
        check_archive(*archive, *manifest,
                      request_.progress
                          ? request_.progress("verifying " + archive_name(stamp), manifest->archive_size())
                          : io::OnProgress());
        ++result_.archives;
        result_.blobs += manifest->count();
      });
    }
  }

  void check_record(const Record& record, const std::vector<repozo::Chain>& chains) {
    const std::string lacking = what_lacks(dir(), chains, record);
    if (!lacking.empty()) add(record_name(record.stamp), "is of a backup that is not whole: " + lacking);
  }

  static std::map<std::string, const Record*> newest_of_each(const Records& records) {
    std::map<std::string, const Record*> newest;
    for (const Record& record : records.all) newest[record.chain] = &record;
    return newest;
  }

  // Database and blobs belong together: whatever the database names is in the archives of its record.
  void check_pair(const Record& record, const std::vector<repozo::Chain>& chains) {
    const RecordedPieces found = pieces_of(record, chains);
    if (found.count == 0 || !record.with_blobs) return;
    guarded(record_name(record.stamp), [&] {
      ChainFile database(dir(), *found.chain, found.count);
      StoredBlobs stored(dir(), record.archives);
      std::uint64_t missing = 0;
      std::string first;
      for_each_blob(database, filestorage::kMagicSize, record.end, [&](const BlobKey& key) {
        if (stored.find(key)) return;
        if (++missing == 1) first = filestorage::blob_path(record.layout, key);
      });
      if (missing > record.missing) {
        add(record_name(record.stamp), std::to_string(missing - record.missing) +
                                           " blobs of its database are in none of its archives, such as " +
                                           first);
      }
    });
  }

  const VerifyRequest& request_;
  repozo::Repository repository_;
  Verification result_;
};

Verification verify_once(io::Env& env, const upgrade::Instance& instance, const VerifyRequest& request) {
  Verification result = Verifier(env, instance, request).run();
  if (const std::string stamp = last_good_stamp(env, instance); !stamp.empty()) {
    const std::string name = record_name(stamp);
    if (!need_repository(env, instance)->status(name))
      result.faults.push_back({name, "is missing, and was the last good backup"});
  }
  if (!request.restore_test || result.newest.empty()) return result;
  try {
    result.restore_test = test_restore(env, instance, result.newest, request.progress);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::not_found) throw;
    result.faults.push_back({"", "the restore test failed: " + std::string(error.what())});
  }
  return result;
}

// What a backup adds and removes; its temporaries come and go.
std::vector<std::string> names_in(io::Env& env, const upgrade::Instance& instance) {
  auto names = need_repository(env, instance)->list();
  std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  return names;
}

}  // namespace

Verification verify(io::Env& env, const upgrade::Instance& instance, const VerifyRequest& request) {
  for (unsigned tries = 1;; ++tries) {
    const auto before = names_in(env, instance);
    Verification result = verify_once(env, instance, request);
    if (result.faults.empty() || tries == kMostTries || names_in(env, instance) == before) return result;
  }
}

}  // namespace backup
