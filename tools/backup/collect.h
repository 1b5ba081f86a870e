// Which blobs a stretch of a database names, where they are stored already, and which have to be.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "backup/blob_folder.h"
#include "backup/key_list.h"
#include "backup/stored_blobs.h"
#include "io/env.h"

namespace backup {

inline constexpr std::size_t kMostMissingNames = 100;

struct Collected {
  std::uint64_t blobs = 0;                 // distinct revisions
  std::set<std::string> archives;          // stamps of those that hold some of them
  std::uint64_t new_bytes = 0;             // of those in `to_store`
  std::uint64_t missing = 0;               // neither stored nor in the folder
  std::vector<std::string> missing_names;  // paths below the blob folder; the first of them
};

// Every blob record of the transactions from `from` to `to`, in file order, in memory for one transaction at
// a time. Keys that have to be stored are added to `to_store`; `live` may be null (no blob folder: all that
// is not stored is missing). Errors: as of for_each_blob_record.
Collected collect_blobs(io::File& database, std::uint64_t from, std::uint64_t to, StoredBlobs& stored,
                        BlobFolder* live, KeyList& to_store);

// Calls `visit` with each distinct key of these transactions, sorted within a transaction.
void for_each_blob(io::File& database, std::uint64_t from, std::uint64_t to,
                   const std::function<void(const BlobKey&)>& visit);

}  // namespace backup
