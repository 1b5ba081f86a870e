#include "backup/retention.h"

#include <algorithm>
#include <set>

#include "backup/names.h"
#include "base/error.h"
#include "repozo/backup.h"

namespace backup {

namespace {

// A backup to rely on: with a record, and all of it there.
bool is_good(const repozo::Chain& chain, const std::vector<Record>& records) {
  return repozo::is_whole(chain) && std::any_of(records.begin(), records.end(), [&](const Record& record) {
           return record.chain == chain.stamp;
         });
}

std::uint64_t stored_in(const repozo::Chain& chain) {
  std::uint64_t bytes = 0;
  for (const repozo::Piece& piece : chain.pieces) bytes += piece.stored;
  return bytes;
}

void remove_if_there(io::Dir& dir, const std::string& name, std::vector<std::string>& removed) {
  const auto status = dir.status(name);
  if (!status || status->type == io::FileType::directory) return;
  dir.remove(name);
  removed.push_back(name);
}

}  // namespace

RetentionPlan plan_retention(const std::vector<repozo::Chain>& chains, const std::vector<Record>& records,
                             const std::vector<std::string>& archives, unsigned keep, unsigned keep_min,
                             std::uint64_t free, std::uint64_t needed) {
  std::size_t first = chains.size();  // of those kept
  unsigned counted = 0;
  while (first > 0 && counted < keep) {
    --first;
    counted += is_good(chains[first], records) ? 1U : 0U;
  }
  if (counted == 0) return {};  // nothing is known well enough to let others go
  std::uint64_t freed = 0;
  for (std::size_t at = 0; at < first; ++at) freed += stored_in(chains[at]);
  while (counted > keep_min && free + freed < needed) {
    freed += stored_in(chains[first]);
    counted -= is_good(chains[first], records) ? 1U : 0U;
    ++first;
  }
  RetentionPlan plan;
  plan.oldest_kept = chains[first].stamp;
  for (std::size_t at = 0; at < first; ++at) plan.chains.push_back(chains[at].stamp);
  std::set<std::string> needed_archives;
  for (const Record& record : records) {
    // A record whose chain is not there though it is new enough is a fault to be told, not to be cleared
    // away.
    if (record.chain < chains[first].stamp) {
      plan.records.push_back(record.stamp);
    } else {
      needed_archives.insert(record.archives.begin(), record.archives.end());
    }
  }
  for (const std::string& archive : archives) {
    if (!needed_archives.contains(archive)) plan.archives.push_back(archive);
  }
  return plan;
}

std::vector<std::string> apply_retention(repozo::Repository& repository, const RetentionPlan& plan) {
  std::vector<std::string> removed;
  io::Dir& dir = repository.dir();
  for (const std::string& stamp : plan.records) remove_if_there(dir, record_name(stamp), removed);
  if (!plan.records.empty()) dir.sync();
  if (!plan.chains.empty()) {
    const auto gone = repozo::keep_chains_from(repository, plan.oldest_kept);
    removed.insert(removed.end(), gone.begin(), gone.end());
  }
  for (const std::string& stamp : plan.archives) {
    // The list first: an archive without one is no archive, while a list without its archive is a fault.
    remove_if_there(dir, manifest_name(stamp), removed);
    remove_if_there(dir, archive_name(stamp), removed);
  }
  if (!plan.archives.empty()) dir.sync();
  return removed;
}

std::vector<std::string> archives_in(io::Dir& repository) {
  std::set<std::string> stamps;
  for (const std::string& name : repository.list()) {
    for (const std::string_view suffix : {kArchiveSuffix, kManifestSuffix}) {
      if (const auto stamp = stamp_in(name, suffix)) stamps.insert(*stamp);
    }
  }
  return {stamps.begin(), stamps.end()};
}

}  // namespace backup
