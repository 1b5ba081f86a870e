#include "filestorage/oid_bits.h"

#include <algorithm>

namespace filestorage {

namespace {

constexpr base::Oid kNearPages = 262144;  // oids to 2^30: a table of 2 MB at most

}  // namespace

OidBits::Page& OidBits::make_page(base::Oid number) {
  std::unique_ptr<Page>* slot = nullptr;
  if (number < kNearPages) {
    if (number >= near_.size()) {
      near_.resize(static_cast<std::size_t>(
          std::min(kNearPages, std::max<base::Oid>(number + 1, base::Oid{near_.size()} * 2))));
    }
    slot = &near_[static_cast<std::size_t>(number)];
  } else {
    slot = &far_[number];
  }
  if (*slot == nullptr) *slot = std::make_unique<Page>();
  return **slot;
}

const OidBits::Page* OidBits::far_page(base::Oid number) const {
  const auto found = far_.find(number);
  return found == far_.end() ? nullptr : found->second.get();
}

void OidBits::clear() {
  near_.clear();
  far_.clear();
  size_ = 0;
}

void OidBits::for_each(const std::function<void(base::Oid)>& visit) const {
  const auto each_of = [&visit](base::Oid number, const Page& page) {
    for (std::size_t word = 0; word < page.size(); ++word) {
      for (std::uint64_t bits = page[word]; bits != 0; bits &= bits - 1) {
        visit(number * kPageSize + word * 64 + static_cast<base::Oid>(__builtin_ctzll(bits)));
      }
    }
  };
  for (std::size_t number = 0; number < near_.size(); ++number) {
    if (near_[number] != nullptr) each_of(number, *near_[number]);
  }
  for (const auto& [number, page] : far_) each_of(number, *page);
}

}  // namespace filestorage
