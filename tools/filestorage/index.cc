#include "filestorage/index.h"

#include <algorithm>
#include <utility>

namespace filestorage {

namespace {

constexpr std::size_t kMostSparse = 256;  // entries of a sparse page; 6 % of a dense one
constexpr Oid kAlwaysPaged =
    65536;                         // page numbers below (oids to 2^28) may always have a page: 1 MB of table
constexpr Oid kTablePerPage = 16;  // beyond, the table grows to so many entries for each page in use

}  // namespace

// Offsets within the page, in rising order, and their values.
struct Index::Sparse {
  std::vector<std::uint16_t> keys;
  std::vector<std::uint64_t> values;

  std::size_t position(std::uint16_t key) const {
    if (keys.empty() || keys.back() < key) return keys.size();  // new oids come in rising order
    return static_cast<std::size_t>(std::lower_bound(keys.begin(), keys.end(), key) - keys.begin());
  }
  bool holds(std::size_t at, std::uint16_t key) const { return at < keys.size() && keys[at] == key; }
};

Index::Index() = default;
Index::~Index() = default;
Index::Index(Index&& other) noexcept
    : pages_(std::exchange(other.pages_, {})),
      far_(std::exchange(other.far_, {})),
      size_(std::exchange(other.size_, 0)),
      pages_in_use_(std::exchange(other.pages_in_use_, 0)) {}

Index& Index::operator=(Index&& other) noexcept {
  pages_ = std::exchange(other.pages_, {});
  far_ = std::exchange(other.far_, {});
  size_ = std::exchange(other.size_, 0);
  pages_in_use_ = std::exchange(other.pages_in_use_, 0);
  return *this;
}

// Null if the oid is not there, or is 0 in a dense page.
std::uint64_t* Index::find(Oid oid) {
  const Oid number = oid / kPageSize;
  if (number < pages_.size()) {
    const Page& page = pages_[number];
    const auto key = static_cast<std::uint16_t>(oid % kPageSize);
    if (page.dense != nullptr) return &page.dense[key];
    if (page.sparse != nullptr) {
      const std::size_t at = page.sparse->position(key);
      return page.sparse->holds(at, key) ? &page.sparse->values[at] : nullptr;
    }
  }
  const auto found = far_.find(oid);
  return found == far_.end() ? nullptr : &found->second;
}

std::uint64_t Index::get_slowly(Oid oid) const {
  std::uint64_t* value = const_cast<Index*>(this)->find(oid);  // find() changes nothing
  return value == nullptr ? 0 : std::atomic_ref(*value).load(std::memory_order_relaxed);
}

// Makes the table long enough for the page if that pays. The far oids that now belong into pages move there.
bool Index::has_page(Oid number) {
  if (number < pages_.size()) return true;
  const Oid limit = std::max(kAlwaysPaged, pages_in_use_ * kTablePerPage);
  if (number >= limit) return false;
  const Oid wanted = std::min(limit, std::max<Oid>(number + 1, pages_.size() * 2));
  pages_.resize(static_cast<std::size_t>(wanted));
  const auto end = far_.lower_bound(wanted * kPageSize);
  std::map<Oid, std::uint64_t> near;
  while (far_.begin() != end) near.insert(far_.extract(far_.begin()));
  for (const auto& [oid, value] : near) {
    --size_;  // exchange() counts it again
    exchange(oid, value);
  }
  return true;
}

std::uint64_t Index::exchange_slowly(Oid oid, std::uint64_t value) {
  const Oid number = oid / kPageSize;
  if (!has_page(number)) {
    const auto [at, fresh] = far_.try_emplace(oid, value);
    if (!fresh) return std::exchange(at->second, value);
    ++size_;
    return 0;
  }
  Page& page = pages_[number];
  if (page.dense != nullptr) return exchange(oid, value);
  if (page.sparse == nullptr) {
    page.sparse = std::make_unique<Sparse>();
    ++pages_in_use_;
  }
  Sparse& sparse = *page.sparse;
  const auto key = static_cast<std::uint16_t>(oid % kPageSize);
  const std::size_t at = sparse.position(key);
  if (sparse.holds(at, key)) return std::exchange(sparse.values[at], value);
  if (sparse.keys.size() < kMostSparse) {
    sparse.keys.insert(sparse.keys.begin() + static_cast<std::ptrdiff_t>(at), key);
    sparse.values.insert(sparse.values.begin() + static_cast<std::ptrdiff_t>(at), value);
    ++size_;
    return 0;
  }
  page.dense = std::make_unique<std::uint64_t[]>(kPageSize);
  for (std::size_t i = 0; i < sparse.keys.size(); ++i) page.dense[sparse.keys[i]] = sparse.values[i];
  page.sparse.reset();
  return exchange(oid, value);
}

bool Index::erase(Oid oid) {
  const Oid number = oid / kPageSize;
  if (number < pages_.size()) {
    Page& page = pages_[number];
    const auto key = static_cast<std::uint16_t>(oid % kPageSize);
    if (page.dense != nullptr) {
      if (std::exchange(page.dense[key], 0) == 0) return false;
      --size_;
      return true;
    }
    if (page.sparse == nullptr) return false;
    const std::size_t at = page.sparse->position(key);
    if (!page.sparse->holds(at, key)) return false;
    page.sparse->keys.erase(page.sparse->keys.begin() + static_cast<std::ptrdiff_t>(at));
    page.sparse->values.erase(page.sparse->values.begin() + static_cast<std::ptrdiff_t>(at));
    --size_;
    return true;
  }
  if (far_.erase(oid) == 0) return false;
  --size_;
  return true;
}

void Index::erase_if(const std::function<bool(Oid, std::uint64_t)>& leaves) {
  for (std::size_t number = 0; number < pages_.size(); ++number) {
    Page& page = pages_[number];
    const Oid first = Oid{number} * kPageSize;
    if (page.dense != nullptr) {
      for (std::size_t key = 0; key < kPageSize; ++key) {
        std::uint64_t& value = page.dense[key];
        if (value == 0 || !leaves(first + key, value)) continue;
        value = 0;
        --size_;
      }
    } else if (page.sparse != nullptr) {
      Sparse& sparse = *page.sparse;
      std::size_t stay = 0;
      for (std::size_t i = 0; i < sparse.keys.size(); ++i) {
        if (leaves(first + sparse.keys[i], sparse.values[i])) continue;
        sparse.keys[stay] = sparse.keys[i];
        sparse.values[stay++] = sparse.values[i];
      }
      size_ -= sparse.keys.size() - stay;
      sparse.keys.resize(stay);
      sparse.values.resize(stay);
    }
  }
  size_ -= std::erase_if(far_, [&leaves](const auto& entry) { return leaves(entry.first, entry.second); });
}

std::uint64_t Index::memory_bytes() const {
  // A node of std::map: three pointers and a colour before the pair.
  constexpr std::uint64_t kNode = 4 * sizeof(void*) + sizeof(std::pair<const Oid, std::uint64_t>);
  std::uint64_t bytes = pages_.capacity() * sizeof(Page) + far_.size() * kNode;
  for (const Page& page : pages_) {
    if (page.dense != nullptr) bytes += kPageSize * sizeof(std::uint64_t);
    if (page.sparse != nullptr) {
      bytes += sizeof(Sparse) + page.sparse->keys.capacity() * sizeof(std::uint16_t) +
               page.sparse->values.capacity() * sizeof(std::uint64_t);
    }
  }
  return bytes;
}

void Index::for_each(const std::function<void(Oid, std::uint64_t)>& visit) const {
  for (std::size_t number = 0; number < pages_.size(); ++number) {
    const Page& page = pages_[number];
    const Oid first = Oid{number} * kPageSize;
    if (page.dense != nullptr) {
      for (std::size_t key = 0; key < kPageSize; ++key) {
        if (page.dense[key] != 0) visit(first + key, page.dense[key]);
      }
    } else if (page.sparse != nullptr) {
      for (std::size_t i = 0; i < page.sparse->keys.size(); ++i) {
        visit(first + page.sparse->keys[i], page.sparse->values[i]);
      }
    }
  }
  // Behind all pages: has_page() moves an oid over as soon as the table reaches it.
  for (const auto& [oid, value] : far_) visit(oid, value);
}

}  // namespace filestorage
