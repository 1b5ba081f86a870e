// A map from oid to a number (a file offset or a tid), made for the oids of a database: mostly dense, and met
// in any order. Two levels: oid / 4,096 -> a page. A page with many oids is an array of 4,096 numbers (8
// bytes for each oid if they are dense), one with few a pair of small sorted arrays. Oids so far out that the
// first level would not pay stand in an ordinary map (about 64 bytes each).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/utc_time.h"

namespace filestorage {

using base::Oid;

class Index {
 public:
  Index();
  ~Index();
  Index(Index&&) noexcept;
  Index& operator=(Index&&) noexcept;

  // Values must not be 0 (a position is at least 4, a tid at least 1).
  void set(Oid oid, std::uint64_t value) { exchange(oid, value); }
  // 0 if the oid is not there.
  std::uint64_t get(Oid oid) const {
    const Oid number = oid / kPageSize;
    if (number < pages_.size() && pages_[number].dense != nullptr) {
      return std::atomic_ref(pages_[number].dense[oid % kPageSize]).load(std::memory_order_relaxed);
    }
    return get_slowly(oid);
  }
  // A hint that get() or replace() of this oid comes soon.
  void prefetch(Oid oid) const {
    const Oid number = oid / kPageSize;
    if (number < pages_.size() && pages_[number].dense != nullptr) {
      __builtin_prefetch(&pages_[number].dense[oid % kPageSize]);
    }
  }
  // set(), returning the value it replaces (0 if none): one look-up for both.
  std::uint64_t exchange(Oid oid, std::uint64_t value) {
    const Oid number = oid / kPageSize;
    if (number < pages_.size() && pages_[number].dense != nullptr) {
      std::uint64_t& slot = pages_[number].dense[oid % kPageSize];
      const std::uint64_t old = slot;
      slot = value;
      size_ += old == 0 ? 1 : 0;
      return old;
    }
    return exchange_slowly(oid, value);
  }
  bool erase(Oid oid);
  // Puts another value in place of the one the oid has; it must be there. The only change that several
  // threads may make at once, each for other oids, while others use get().
  void replace(Oid oid, std::uint64_t value) {
    std::atomic_ref(*find(oid)).store(value, std::memory_order_relaxed);
  }
  // Erases all entries for which `leaves` is true.
  void erase_if(const std::function<bool(Oid, std::uint64_t)>& leaves);
  std::uint64_t size() const { return size_; }
  // Of the heap, without the allocator's own overhead.
  std::uint64_t memory_bytes() const;
  // In rising order of oid.
  void for_each(const std::function<void(Oid, std::uint64_t)>& visit) const;

 private:
  static constexpr std::size_t kPageSize = 4096;
  struct Sparse;
  struct Page {
    std::unique_ptr<std::uint64_t[]> dense;  // 0: not there
    std::unique_ptr<Sparse> sparse;
  };

  std::uint64_t exchange_slowly(Oid oid, std::uint64_t value);
  std::uint64_t get_slowly(Oid oid) const;
  std::uint64_t* find(Oid oid);
  bool has_page(Oid number);

  std::vector<Page> pages_;
  std::map<Oid, std::uint64_t> far_;  // only oids whose page is none, or was none when they came
  std::uint64_t size_ = 0;
  std::uint64_t pages_in_use_ = 0;
};

}  // namespace filestorage
