// The record of one backup, STAMP.backup: JSON, written last and atomically. A database copy and its blobs
// count as a pair once it is there, and what it says is what a verification compares with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/utc_time.h"
#include "filestorage/blob_layout.h"
#include "io/env.h"

namespace backup {

struct Record {
  std::string stamp;                 // of the database piece made or completed by this backup
  std::string chain;                 // stamp of the full backup it builds on; equal for a full one
  std::string file;                  // name of the piece
  std::uint64_t start = 0, end = 0;  // bytes of the database that it holds
  std::string md5;                   // of these bytes
  base::Tid last_tid = 0;            // of the state
  std::string source;                // path of the database
  io::Owner owner;                   // of the database, for a restore
  std::uint32_t mode = 0640;
  base::UtcTime begun;
  std::uint64_t seconds = 0;  // it took

  // Of the whole state, not of this piece.
  bool with_blobs = false;  // the instance has a blob folder, or the database names blobs all the same
  filestorage::BlobLayout layout = filestorage::BlobLayout::bushy;
  std::uint64_t blobs = 0;
  std::vector<std::string> archives;       // stamps of those that hold them, rising
  std::uint64_t missing = 0;               // blobs named by the database that had no file
  std::vector<std::string> missing_names;  // the first of them

  std::uint64_t new_blobs = 0, new_blob_bytes = 0;  // in the archive of this backup

  bool full() const { return stamp == chain; }
};

// Durable when it returns. The text carries its own digest.
void save_record(io::Dir& repository, const Record& record, io::Env& env);
// Error(not_found, corrupt).
Record load_record(io::Dir& repository, const std::string& stamp);
// In the form of the file; keys as there.
std::string record_json(const Record& record);

struct Records {
  std::vector<Record> all;            // oldest first
  std::vector<std::string> problems;  // a line for each record that cannot be read
  std::vector<std::string> damaged;   // their stamps
  const Record* find(const std::string& stamp) const;
};
Records load_records(io::Dir& repository);

}  // namespace backup
