// A set of oids for walks over millions of them in any order: one bit for each where they are dense (a page
// of 512 bytes for 4,096 neighbours); far out, where a table of pages would not pay, the pages stand in a
// hash map.
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
    std::uint64_t& word = page(oid / kPageSize)[oid % kPageSize / 64];
    const std::uint64_t bit = std::uint64_t{1} << (oid % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    ++size_;
    return true;
  }
  bool contains(base::Oid oid) const {
    const base::Oid number = oid / kPageSize;
    const Page* found = number < near_.size() ? near_[number].get() : far_page(number);
    return found != nullptr && ((*found)[oid % kPageSize / 64] >> (oid % 64) & 1) != 0;
  }
  std::uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear();
  // In rising order, but for those far out, which come last and in any order.
  void for_each(const std::function<void(base::Oid)>& visit) const;

 private:
  static constexpr std::size_t kPageSize = 4096;
  using Page = std::array<std::uint64_t, kPageSize / 64>;

  Page& page(base::Oid number) {
    if (number < near_.size() && near_[number] != nullptr) return *near_[number];
    return make_page(number);
  }
  Page& make_page(base::Oid number);
  const Page* far_page(base::Oid number) const;

  std::vector<std::unique_ptr<Page>> near_;
  std::unordered_map<base::Oid, std::unique_ptr<Page>> far_;
  std::uint64_t size_ = 0;
};

}  // namespace filestorage
