#include "filestorage/index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

namespace filestorage {
namespace {

using Entries = std::vector<std::pair<Oid, std::uint64_t>>;

Entries entries(const Index& index) {
  Entries found;
  index.for_each([&](Oid oid, std::uint64_t value) { found.emplace_back(oid, value); });
  return found;
}

TEST(Index, IsEmptyAtFirst) {
  const Index index;
  EXPECT_EQ(index.size(), 0u);
  EXPECT_EQ(index.get(0), 0u);
  EXPECT_EQ(index.get(~Oid{0}), 0u);
  EXPECT_TRUE(entries(index).empty());
}

TEST(Index, ReturnsWhatAnExchangeReplaces) {
  Index index;
  for (const Oid oid : {Oid{0}, Oid{70000}, ~Oid{0}}) {
    EXPECT_EQ(index.exchange(oid, 4), 0u);
    EXPECT_EQ(index.exchange(oid, 9), 4u);
    EXPECT_EQ(index.get(oid), 9u);
  }
  EXPECT_EQ(index.size(), 3u);
}

// Random oids of every density, against std::map.
TEST(Index, AgreesWithAnOrdinaryMap) {
  std::mt19937_64 random(7);
  for (const Oid span : {Oid{300}, Oid{5000}, Oid{1} << 20, Oid{1} << 29, Oid{1} << 34, Oid{0}}) {
    SCOPED_TRACE(span);
    Index index;
    std::map<Oid, std::uint64_t> map;
    for (int i = 0; i < 20000; ++i) {
      const Oid oid = span == 0 ? random() : random() % span;
      if (random() % 8 == 0) {
        EXPECT_EQ(index.erase(oid), map.erase(oid) == 1);
      } else {
        const std::uint64_t value = 1 + random() % 1000000;
        const auto old = map.find(oid);
        EXPECT_EQ(index.exchange(oid, value), old == map.end() ? 0 : old->second);
        map[oid] = value;
      }
      EXPECT_EQ(index.size(), map.size());
    }
    EXPECT_EQ(entries(index), Entries(map.begin(), map.end()));
    for (int i = 0; i < 1000; ++i) {
      const Oid oid = span == 0 ? random() : random() % (2 * span);
      const auto found = map.find(oid);
      EXPECT_EQ(index.get(oid), found == map.end() ? 0 : found->second);
    }
  }
}

TEST(Index, MovesFarOidsIntoPagesOnceThatPays) {
  Index index;
  const Oid far = Oid{70000} * 4096 + 5;  // beyond the table that every index may have
  index.set(far, 77);
  for (Oid page = 0; page < 5000; ++page) index.set(page * 4096, 4);
  index.set(far + 1, 78);
  EXPECT_EQ(index.get(far), 77u);
  EXPECT_EQ(index.exchange(far, 79), 77u);
  EXPECT_EQ(index.size(), 5002u);
  const Entries all = entries(index);
  ASSERT_EQ(all.size(), 5002u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_EQ(all[5000], (std::pair<Oid, std::uint64_t>(far, 79)));
}

TEST(Index, TakesAtMostNineBytesForAnObjectIfDense) {
  for (const Oid count : {Oid{1000000}, Oid{10000000}}) {
    Index index;
    for (Oid oid = 0; oid < count; ++oid) index.set(oid, oid + 4);
    EXPECT_EQ(index.size(), count);
    EXPECT_LE(index.memory_bytes(), 9 * count);
  }
}

TEST(Index, TakesLittleForSparseOids) {
  std::mt19937_64 random(3);
  // Anywhere; one in 4,096 of the oids of a large database; alone at the end of the paged range.
  Index anywhere, sparse, single;
  for (int i = 0; i < 100000; ++i) anywhere.set(random(), 4);
  for (Oid i = 0; i < 100000; ++i) sparse.set(i * 4096 + random() % 4096, 4);
  single.set((Oid{1} << 28) - 1, 4);
  EXPECT_LE(anywhere.memory_bytes(), 70 * anywhere.size());
  EXPECT_LE(sparse.memory_bytes(), 120 * sparse.size());
  EXPECT_LE(single.memory_bytes(), (1u << 20) + 1000u);
}

TEST(Index, IsEmptyAfterItWasMovedFrom) {
  Index index;
  index.set(1, 5);
  index.set(~Oid{0}, 6);
  Index other = std::move(index);
  EXPECT_EQ(other.size(), 2u);
  index = Index();
  EXPECT_EQ(index.size(), 0u);
  index = std::move(other);
  EXPECT_EQ(index.get(1), 5u);
  EXPECT_EQ(index.get(~Oid{0}), 6u);
}

}  // namespace
}  // namespace filestorage
