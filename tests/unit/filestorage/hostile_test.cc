// Whatever the bytes: no crash, no hang, no finding missing where the outcome differs. (Run under the
// sanitize preset too.)
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "filestorage/index_file.h"
#include "filestorage/scan.h"
#include "support/bytes_file.h"
#include "support/fixture.h"
#include "support/index_text.h"

namespace filestorage {
namespace {

using support::BytesFile;

struct Outcome {
  ScanResult result;
  std::uint64_t end = 0;
  std::string index;
  std::set<std::uint64_t> positions;
};

Outcome look(const std::string& bytes) {
  BytesFile file(bytes);
  Index positions, tids;
  ScanOptions options;
  options.positions = &positions;
  options.tids = &tids;
  options.digest_points = {bytes.size() / 2, bytes.size()};
  Outcome outcome;
  outcome.result = scan(file, options);
  outcome.index = support::index_text(positions);
  positions.for_each([&](Oid, std::uint64_t position) { outcome.positions.insert(position); });
  EXPECT_EQ(outcome.result.digests.size(), 2u);
  EXPECT_LE(outcome.result.findings.size(), options.max_findings);
  EXPECT_LE(outcome.result.end, std::max<std::uint64_t>(bytes.size(), 4));
  // Without digests large records are skipped: the same must come out.
  options.digest_points.clear();
  Index again;
  options.positions = &again;
  const ScanResult skipped = scan(file, options);
  EXPECT_EQ(skipped.end, outcome.result.end);
  EXPECT_EQ(skipped.findings.size(), outcome.result.findings.size());
  EXPECT_EQ(support::index_text(again), outcome.index);
  outcome.end = find_end(file, bytes.size());
  return outcome;
}

// Where transactions end in the undamaged file.
std::vector<std::uint64_t> boundaries(const std::string& folder) {
  std::vector<std::uint64_t> found;
  const nlohmann::json expected = support::read_expected(folder);
  for (const auto& transaction : expected["database"]["transaction_list"]) {
    found.push_back(transaction["pos"].get<std::uint64_t>() +
                    transaction["length_field"].get<std::uint64_t>() + 8);
  }
  return found;
}

TEST(HostileBytes, CutAnywhereEndAtTheLastWholeTransaction) {
  for (const std::string folder : {"fs/fs30-undo", "fs/fs21-310-undo", "fs/fs30-empty-txns"}) {
    const std::string whole = support::read_fixture(folder + "/Data.fs");
    const std::vector<std::uint64_t> ends = boundaries(folder);
    for (std::size_t size = 4; size <= whole.size(); ++size) {
      SCOPED_TRACE(size);
      std::uint64_t expected = 4;
      std::uint64_t transactions = 0;
      for (const std::uint64_t end : ends) {
        if (end > size) break;
        expected = end;
        ++transactions;
      }
      const Outcome outcome = look(whole.substr(0, size));
      ASSERT_EQ(outcome.result.end, expected);
      ASSERT_EQ(outcome.end, expected);
      ASSERT_EQ(outcome.result.transactions, transactions);
      ASSERT_EQ(outcome.result.tail, size == expected ? Tail::clean : Tail::torn);
      ASSERT_FALSE(outcome.result.damaged());
    }
  }
}

// A flipped bit in anything but data, user, description and extension changes a number that is checked.
TEST(HostileBytes, WithOneBitFlippedAreNoticedWhereItMatters) {
  const std::string whole = support::read_fixture("fs/fs30-undo/Data.fs");
  const Outcome intact = look(whole);
  std::mt19937_64 random(5);
  std::size_t noticed = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::size_t at = random() % whole.size();
    SCOPED_TRACE(at);
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
    const Outcome outcome = look(bytes);
    if (!outcome.result.findings.empty() || outcome.result.end != whole.size()) ++noticed;
    if (outcome.result.findings.empty()) {
      // Nothing said: then ZODB finds records at the same places (a new object may have another oid), or the
      // last transaction is a torn tail, or one is of status 'u'.
      ASSERT_TRUE(outcome.positions == intact.positions ||
                  outcome.result.end == intact.result.last_transaction_at || outcome.result.undone != 0);
    }
  }
  EXPECT_GT(noticed, 1000u);
}

TEST(HostileBytes, DamagedInManyPlacesAreSurvived) {
  std::mt19937_64 random(17);
  const std::string whole = support::read_fixture("fs/fs21-310-fuzz-0/Data.fs");
  for (int i = 0; i < 400; ++i) {
    std::string bytes = whole;
    for (std::uint64_t flips = 1 + random() % 60; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (random() % 2 == 0) bytes.erase(random() % bytes.size(), random() % 300);
    if (random() % 2 == 0)
      bytes.insert(random() % bytes.size(), std::string(random() % 300, static_cast<char>(random())));
    look(bytes);
  }
}

TEST(HostileBytes, OfPureNoiseAreSurvived) {
  std::mt19937_64 random(23);
  for (int i = 0; i < 300; ++i) {
    std::string bytes = "FS30";
    const std::uint64_t size = random() % 3000;
    const int kind = static_cast<int>(random() % 3);
    for (std::uint64_t at = 0; at < size; ++at) {
      // Mostly small numbers, so that lengths often fit.
      const auto value = static_cast<char>(random() % (kind == 0 ? 256 : 3));
      bytes += kind == 2 && random() % 20 == 0 ? ' ' : value;
    }
    look(bytes);
  }
}

TEST(HostileBytes, AsAnIndexAreSurvived) {
  std::mt19937_64 random(29);
  BytesFile data(support::read_fixture("fs/fs21-310-many-oids/Data.fs"));
  for (const char* name :
       {"fs/fs21-310-many-oids/Data.fs.index", "fs/fs30-many-oids/Data.fs.index",
        "damage/fs30-index/old-dict.fs.index", "damage/fs30-index/old-instance.fs.index"}) {
    const std::string whole = support::read_fixture(name);
    for (int i = 0; i < 2000; ++i) {
      std::string bytes = whole;
      for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      BytesFile file(bytes);
      std::string why;
      const auto loaded = read_index(file, why);
      if (loaded) {
        index_is_believable(data, data.content.size(), *loaded, why);
      } else {
        EXPECT_FALSE(why.empty());
      }
    }
  }
}

}  // namespace
}  // namespace filestorage
