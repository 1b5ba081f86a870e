#include "filestorage/pack_walk.h"

#include <optional>
#include <vector>

namespace filestorage {

DataPlace data_of(FarReader& in, const PackRecord& record) {
  PackRecord at = record;
  std::vector<std::uint64_t> passed;  // back pointers on the way
  std::optional<DataPlace> end;
  while (at.back != 0) {
    const std::uint64_t target = at.back;
    if (target >= at.position) throw_damaged(in.file(), at.position, "the back pointer does not lead back");
    at = record_at(in, target);
    if (at.header.oid != record.header.oid) {
      throw_damaged(in.file(), record.position, "the back pointer leads to another object's record");
    }
    if (at.back == 0) break;
    if (const auto known = in.ends_.find(target); known != in.ends_.end()) {
      end = known->second;
      break;
    }
    passed.push_back(target);
  }
  if (!end) end = DataPlace{at.position + kRecordHeaderSize, at.header.data};
  for (const std::uint64_t position : passed) in.ends_.emplace(position, *end);
  return *end;
}

}  // namespace filestorage
