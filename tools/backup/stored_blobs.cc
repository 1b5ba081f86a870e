#include "backup/stored_blobs.h"

#include "backup/names.h"
#include "base/error.h"

namespace backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t kMostOpen = 64;

}  // namespace

std::unique_ptr<Manifest> open_manifest(io::Dir& repository, const std::string& stamp) {
  return std::make_unique<Manifest>(repository.open_file(manifest_name(stamp), io::Access::read));
}

StoredBlobs::StoredBlobs(io::Dir& repository) : repository_(repository) {
  for (const std::string& name : repository.list()) {
    if (const auto stamp = stamp_in(name, kManifestSuffix)) take(*stamp);
  }
}

StoredBlobs::StoredBlobs(io::Dir& repository, const std::vector<std::string>& archives)
    : repository_(repository) {
  for (const std::string& stamp : archives) take(stamp);
}

void StoredBlobs::take(const std::string& stamp) {
  try {
    const auto manifest = open_manifest(repository_, stamp);
    const auto archive = repository_.status(archive_name(stamp));
    if (!archive || archive->type != io::FileType::regular || archive->size != manifest->archive_size()) {
      throw Error(ErrorKind::corrupt, "read", repository_.path() + "/" + archive_name(stamp),
                  !archive ? "is missing"
                           : "is " + std::to_string(archive->size) + " bytes, should be " +
                                 std::to_string(manifest->archive_size()));
    }
    archives_.push_back({stamp, manifest->first(), manifest->last(), manifest->count(), nullptr});
    stamps_.insert(stamp);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::not_found &&
        error.kind() != ErrorKind::unsafe_path)
      throw;
    problems_.emplace_back(error.what());
  }
}

std::optional<StoredBlob> StoredBlobs::find(const BlobKey& key) {
  for (Archive& archive : archives_) {
    if (archive.count == 0 || key < archive.first || key > archive.last) continue;
    if (!archive.open) {
      if (open_ == kMostOpen) {
        for (Archive& other : archives_) other.open.reset();
        open_ = 0;
      }
      archive.open = open_manifest(repository_, archive.stamp);
      ++open_;
    }
    if (const auto entry = archive.open->find(key)) return StoredBlob{archive.stamp, *entry};
  }
  return std::nullopt;
}

}  // namespace backup
