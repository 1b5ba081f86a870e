// Which blobs the archives of a repository hold, found through their manifests: any number of archives, a
// bounded number of open files and of bytes in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backup/manifest.h"
#include "io/env.h"

namespace backup {

struct StoredBlob {
  std::string archive;  // its stamp
  ManifestEntry entry;
};

class StoredBlobs {
 public:
  // Reads the header of each manifest. One that is damaged, or whose archive is missing or has another size,
  // is left out and told as a problem.
  explicit StoredBlobs(io::Dir& repository);

  // Only of these archives.
  StoredBlobs(io::Dir& repository, const std::vector<std::string>& archives);

  const std::vector<std::string>& problems() const { return problems_; }
  bool has_archive(const std::string& stamp) const { return stamps_.contains(stamp); }
  // Fast for keys that rise, right for all. Error(corrupt, io).
  std::optional<StoredBlob> find(const BlobKey& key);

 private:
  struct Archive {
    std::string stamp;
    BlobKey first, last;
    std::uint64_t count = 0;
    std::unique_ptr<Manifest> open;
  };
  void take(const std::string& stamp);

  io::Dir& repository_;
  std::vector<Archive> archives_;  // oldest first
  std::set<std::string> stamps_;
  std::size_t open_ = 0;
  std::vector<std::string> problems_;
};

// Opens STAMP.blobs.list. Error(not_found, corrupt).
std::unique_ptr<Manifest> open_manifest(io::Dir& repository, const std::string& stamp);

}  // namespace backup
