#include "backup/collect.h"

#include <algorithm>

#include "filestorage/blob_record.h"

namespace backup {

void for_each_blob(io::File& database, std::uint64_t from, std::uint64_t to,
                   const std::function<void(const BlobKey&)>& visit) {
  std::vector<BlobKey> together;  // of one transaction: the record's tid is the transaction's
  const auto pass_on = [&] {
    std::sort(together.begin(), together.end());
    together.erase(std::unique(together.begin(), together.end()), together.end());
    for (const BlobKey& key : together) visit(key);
    together.clear();
  };
  filestorage::for_each_blob_record(database, from, to, [&](const BlobKey& key, std::uint64_t) {
    if (!together.empty() && together.back().tid != key.tid) pass_on();
    together.push_back(key);
  });
  pass_on();
}

Collected collect_blobs(io::File& database, std::uint64_t from, std::uint64_t to, StoredBlobs& stored,
                        BlobFolder* live, KeyList& to_store) {
  Collected collected;
  for_each_blob(database, from, to, [&](const BlobKey& key) {
    ++collected.blobs;
    if (const auto found = stored.find(key)) {
      collected.archives.insert(found->archive);
      return;
    }
    if (const auto size = live != nullptr ? live->size(key) : std::nullopt) {
      collected.new_bytes += *size;
      to_store.add(key);
      return;
    }
    ++collected.missing;
    if (collected.missing_names.size() < kMostMissingNames) {
      const auto layout = live != nullptr ? live->layout() : BlobLayout::bushy;
      collected.missing_names.push_back(filestorage::blob_path(layout, key));
    }
  });
  return collected;
}

}  // namespace backup
