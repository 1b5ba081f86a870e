// A school with blobs in memory: a database whose transactions store ordinary objects and blobs, and the blob
// folder that belongs to it. Equal steps give equal bytes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "filestorage/blob_layout.h"
#include "io/mem_env.h"
#include "support/file_builder.h"
#include "upgrade/instances.h"

namespace support {

inline constexpr const char* kBlobDir = "/var/lib/schooltool/blobs";
inline constexpr const char* kRepository = "/var/backups/schooltool/standard";

class BlobSchool {
 public:
  explicit BlobSchool(filestorage::BlobLayout layout = filestorage::BlobLayout::bushy);
  BlobSchool(const BlobSchool&) = delete;
  BlobSchool& operator=(const BlobSchool&) = delete;

  // A transaction with two ordinary objects and a new revision of each of these blob objects.
  void commit(const std::vector<base::Oid>& blobs);
  // What a pack leaves: the newest revision of each object, marked as packed. Blobs of older ones are gone.
  void pack();

  const std::string& database() const { return bytes_; }
  // Content by path below the blob folder, as a finished transaction leaves it.
  const std::map<std::string, std::string>& blobs() const { return blobs_; }
  filestorage::BlobLayout layout() const { return layout_; }

  // Puts Data.fs and all blobs; nothing is removed.
  void put(io::MemEnv& mem) const;
  void put_blobs(io::MemEnv& mem) const;

 private:
  void write(base::Tid tid, const std::vector<base::Oid>& oids, char status);
  static std::string content_of(const filestorage::BlobKey& key);

  filestorage::BlobLayout layout_;
  std::string bytes_;
  std::unique_ptr<FileBuilder> builder_;
  base::Tid tid_;
  std::map<base::Oid, base::Tid> newest_;  // of all objects
  std::map<std::string, std::string> blobs_;
};

// "standard", with Data.fs and blobs/ in the usual folder.
upgrade::Instance blob_instance();
// Blob files in the folder `root`, without the marker: path below it and content.
std::map<std::string, std::string> blobs_in(const io::MemEnv& mem, const std::string& root = kBlobDir);

}  // namespace support
