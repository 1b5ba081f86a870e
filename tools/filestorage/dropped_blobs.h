// Which blob files go with the records that a pack does not keep.
#pragma once

#include <vector>

#include "filestorage/blob_layout.h"
#include "filestorage/pack_select.h"
#include "filestorage/pack_walk.h"

namespace filestorage {

// A blob revision of which no record from before the pack time is kept.
struct DroppedBlob {
  BlobKey key;
  bool object_gone = false;  // nor is any other of the object's
};

class DroppedBlobs {
 public:
  // The selection must outlive it.
  explicit DroppedBlobs(const Selection& selection) : selection_(selection) {}

  // A record that is not kept, while the part up to the pack time is copied. The reader is for its data.
  void take(const PackRecord& record, FarReader& far);
  // What was taken, each revision once, by tid and oid.
  std::vector<DroppedBlob> finish();

 private:
  bool stays(const PackRecord& record, FarReader& far) const;

  const Selection& selection_;
  std::vector<DroppedBlob> list_;
};

}  // namespace filestorage
