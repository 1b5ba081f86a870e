#include "filestorage/dropped_blobs.h"

#include <algorithm>
#include <utility>

#include "filestorage/blob_record.h"

namespace filestorage {

void DroppedBlobs::take(const PackRecord& record, FarReader& far) {
  const DataPlace place = data_of(far, record);
  if (place.length == 0) return;
  if (!is_blob_class(far.bytes(place.position, std::min<std::uint64_t>(place.length, kBlobClassBytes))))
    return;
  if (stays(record, far)) return;
  list_.push_back({{record.header.tid, record.header.oid}, !selection_.keeps_object(record.header.oid)});
}

std::vector<DroppedBlob> DroppedBlobs::finish() {
  const auto before = [](const DroppedBlob& a, const DroppedBlob& b) { return a.key < b.key; };
  const auto same = [](const DroppedBlob& a, const DroppedBlob& b) { return a.key == b.key; };
  std::sort(list_.begin(), list_.end(), before);
  list_.erase(std::unique(list_.begin(), list_.end(), same), list_.end());
  return std::move(list_);
}

// A server of old wrote some blob records twice in a transaction: one of them may stay, and so does the file.
bool DroppedBlobs::stays(const PackRecord& record, FarReader& far) const {
  const auto same_revision = [&](std::uint64_t kept) {
    return kept != 0 && record_at(far, kept).header.tid == record.header.tid;
  };
  if (same_revision(selection_.kept_at(record.header.oid))) return true;
  const auto further = selection_.further.find(record.header.oid);
  return further != selection_.further.end() &&
         std::any_of(further->second.more.begin(), further->second.more.end(), same_revision);
}

}  // namespace filestorage
