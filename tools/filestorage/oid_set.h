// A set of oids: one bit for each where they are dense, about 100 bytes for one that is alone among its 512
// neighbours.
#pragma once

#include <bitset>
#include <cstdint>
#include <unordered_map>

#include "base/utc_time.h"

namespace filestorage {

class OidSet {
 public:
  void insert(base::Oid oid) {
    auto&& bit = blocks_[oid / kBlock][oid % kBlock];
    if (!bit) ++size_;
    bit = true;
  }
  void erase(base::Oid oid) {
    const auto block = blocks_.find(oid / kBlock);
    if (block == blocks_.end() || !block->second[oid % kBlock]) return;
    block->second[oid % kBlock] = false;
    --size_;
  }
  std::uint64_t size() const { return size_; }

 private:
  static constexpr std::size_t kBlock = 512;
  std::unordered_map<base::Oid, std::bitset<kBlock>> blocks_;
  std::uint64_t size_ = 0;
};

}  // namespace filestorage
