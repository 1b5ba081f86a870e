// A set of oids for walks over millions of them in any order: one bit for each where they are dense (a page
// of 512 bytes for 4,096 neighbours, below 2^30: 128 MB at most). Far out, where oids are as sparse as
// hostile hands like them, 64 neighbours share an entry of a hash map (about 40 bytes).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/utc_time.h"

namespace filestorage {

class OidBits {
 public:
  // False if it was there already.
  bool insert(base::Oid oid) {
    std::uint64_t& word = word_of(oid);
    const std::uint64_t bit = std::uint64_t{1} << (oid % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    ++size_;
    return true;
  }
  bool contains(base::Oid oid) const {
    const base::Oid number = oid / kPageSize;
    if (number >= near_.size()) return far_contains(oid);
    const Page* found = near_[number].get();
    return found != nullptr && ((*found)[oid % kPageSize / 64] >> (oid % 64) & 1) != 0;
  }
  std::uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear();
  // Of the heap, about.
  std::uint64_t memory_bytes() const;
  // In rising order, but for those far out, which come last and in any order.
  void for_each(const std::function<void(base::Oid)>& visit) const;

 private:
  static constexpr std::size_t kPageSize = 4096;
  using Page = std::array<std::uint64_t, kPageSize / 64>;

  std::uint64_t& word_of(base::Oid oid) {
    const base::Oid number = oid / kPageSize;
    if (number < near_.size() && near_[number] != nullptr) return (*near_[number])[oid % kPageSize / 64];
    return make_word(oid);
  }
  std::uint64_t& make_word(base::Oid oid);
  bool far_contains(base::Oid oid) const;

  std::vector<std::unique_ptr<Page>> near_;
  std::unordered_map<base::Oid, std::uint64_t> far_;  // oid / 64 -> its word
  std::uint64_t size_ = 0;
};

}  // namespace filestorage
