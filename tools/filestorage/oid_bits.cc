#include "filestorage/oid_bits.h"

#include <algorithm>

namespace filestorage {

namespace {

constexpr base::Oid kNearPages = 262144;  // oids to 2^30: a table of 2 MB at most

}  // namespace

std::uint64_t& OidBits::make_word(base::Oid oid) {
  const base::Oid number = oid / kPageSize;
  if (number >= kNearPages) return far_[oid / 64];
  if (number >= near_.size()) {
    near_.resize(static_cast<std::size_t>(
        std::min(kNearPages, std::max<base::Oid>(number + 1, base::Oid{near_.size()} * 2))));
  }
  std::unique_ptr<Page>& page = near_[static_cast<std::size_t>(number)];
  if (page == nullptr) page = std::make_unique<Page>();
  return (*page)[oid % kPageSize / 64];
}

bool OidBits::far_contains(base::Oid oid) const {
  const auto found = far_.find(oid / 64);
  return found != far_.end() && (found->second >> (oid % 64) & 1) != 0;
}

std::uint64_t OidBits::memory_bytes() const {
  // A node of std::unordered_map: a pointer before the pair, and one in its table.
  constexpr std::uint64_t kNode = 2 * sizeof(void*) + sizeof(decltype(far_)::value_type);
  const auto pages =
      std::count_if(near_.begin(), near_.end(), [](const auto& page) { return page != nullptr; });
  return near_.capacity() * sizeof(near_[0]) + static_cast<std::uint64_t>(pages) * sizeof(Page) +
         far_.size() * kNode;
}

void OidBits::clear() {
  near_.clear();
  far_.clear();
  size_ = 0;
}

void OidBits::for_each(const std::function<void(base::Oid)>& visit) const {
  const auto each_of = [&visit](base::Oid word, std::uint64_t bits) {
    for (; bits != 0; bits &= bits - 1) {
      visit(word * 64 + static_cast<base::Oid>(__builtin_ctzll(bits)));
    }
  };
  for (std::size_t number = 0; number < near_.size(); ++number) {
    if (near_[number] == nullptr) continue;
    const Page& page = *near_[number];
    for (std::size_t i = 0; i < page.size(); ++i) each_of(number * page.size() + i, page[i]);
  }
  for (const auto& [word, bits] : far_) each_of(word, bits);
}

}  // namespace filestorage
