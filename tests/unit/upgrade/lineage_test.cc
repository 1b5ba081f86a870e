#include "upgrade/lineage.h"

#include <gtest/gtest.h>

#include "support/bytes_file.h"
#include "support/fixture.h"
#include "support/fs_builder.h"
#include "upgrade/fingerprint.h"

namespace upgrade {
namespace {

using support::BytesFile;
using support::school;

Fingerprint fingerprint(const std::string& content) {
  BytesFile file(content);
  return fingerprint_of(scan_whole(file, content.size(), 0, nullptr, {}), file.status());
}

// The verdict on `live` where `before` stood, with the bytes of before at hand.
Judgement judged(const std::string& before, const std::string& live) {
  const Fingerprint print = fingerprint(before);
  BytesFile live_file(live), before_file(before);
  return judge(&live_file, &print, &before_file, {});
}

Judgement judged_by_fingerprint(const std::string& before, const std::string& live) {
  const Fingerprint print = fingerprint(before);
  BytesFile live_file(live);
  return judge(&live_file, &print, nullptr, {});
}

Judgement judged_alone(const std::string& live) {
  BytesFile live_file(live);
  return judge(&live_file, nullptr, nullptr, {});
}

#define EXPECT_VERDICT(verdict_, judgement_)                                                                \
  do {                                                                                                      \
    const Judgement result = judgement_;                                                                    \
    EXPECT_STREQ(to_string(result.verdict), to_string(Verdict::verdict_)) << "  (" << result.reason << ")"; \
  } while (false)

// ---- what a healthy upgrade leaves

TEST(Lineage, SameBytesAreUnchanged) {
  EXPECT_VERDICT(unchanged, judged(school(), school()));
}

TEST(Lineage, TornTailBehindTheSameBytesIsUnchanged) {
  EXPECT_VERDICT(unchanged, judged(school(), support::with_torn_tail(school())));
  EXPECT_VERDICT(unchanged, judged(school(), school() + std::string(5000, '\0')));
}

TEST(Lineage, FurtherTransactionsAreGrowth) {
  const Judgement judgement = judged(school(20), school(23));
  EXPECT_EQ(judgement.verdict, Verdict::grown);
  EXPECT_EQ(judgement.reason, "3 further transactions");
  EXPECT_EQ(judgement.live.transactions, 23u);
  EXPECT_EQ(judgement.live.size, school(23).size());
}

TEST(Lineage, GrowthWithATornTailIsGrowth) {
  EXPECT_VERDICT(grown, judged(school(20), support::with_torn_tail(school(23))));
}

TEST(Lineage, GrowthNeedsNoBytesOfBefore) {
  EXPECT_VERDICT(unchanged, judged_by_fingerprint(school(), school()));
  EXPECT_VERDICT(grown, judged_by_fingerprint(school(20), school(30)));
}

TEST(Lineage, PackedHasTheSameLastTransaction) {
  const Judgement judgement = judged(school(), support::render(support::packed(support::school_history(20))));
  EXPECT_EQ(judgement.verdict, Verdict::packed) << judgement.reason;
  EXPECT_EQ(judgement.absent, 0u);
  EXPECT_EQ(judgement.kept, fingerprint(school()).objects);
}

TEST(Lineage, PackThatCollectsGarbageIsPacked) {
  const auto history = support::packed(support::school_history(20), {7, 8, 11, 12, 13});
  const Judgement judgement = judged(school(), support::render(history));
  EXPECT_EQ(judgement.verdict, Verdict::packed) << judgement.reason;
  EXPECT_EQ(judgement.absent, 5u);
}

TEST(Lineage, PackedAndWrittenToIsEvolved) {
  const auto history = support::lived_on(support::packed(support::school_history(20), {7, 8}), 5);
  EXPECT_VERDICT(evolved, judged(school(), support::render(history)));
}

TEST(Lineage, WithMostObjectsGoneAPersonHasToLook) {
  std::set<base::Oid> gone;
  for (base::Oid oid = 1; oid <= 40; ++oid) gone.insert(oid);
  const support::History rest = support::packed(support::school_history(20), gone);
  // What a pack alone leaves is garbage, however much it was.
  EXPECT_VERDICT(packed, judged(school(), support::render(rest)));
  const Judgement judgement = judged(school(), support::render(support::lived_on(rest, 1)));
  EXPECT_EQ(judgement.verdict, Verdict::foreign) << judgement.reason;
  EXPECT_NE(judgement.reason.find("only "), std::string::npos) << judgement.reason;
}

TEST(Lineage, EvolvedWhereMostObjectsWereRewritten) {
  // One transaction that rewrites all but one object, then a pack.
  support::History history = support::school_history(20);
  support::Transaction all{history.back().tid + 1'000'000'000, {}, ' '};
  for (base::Oid oid = 0; oid < 57; ++oid) all.oids.push_back(oid);
  history.push_back(all);
  const Judgement judgement = judged(school(), support::render(support::packed(history)));
  EXPECT_EQ(judgement.verdict, Verdict::evolved) << judgement.reason;
  EXPECT_EQ(judgement.rewritten, 57u);
  EXPECT_EQ(judgement.kept, 1u);
}

TEST(Lineage, NoReferenceAndIntactIsSound) {
  EXPECT_VERDICT(sound, judged_alone(school()));
}

// ---- what costs a school its data

TEST(Lineage, NoFileIsMissing) {
  const Fingerprint print = fingerprint(school());
  EXPECT_EQ(judge(nullptr, &print, nullptr, {}).verdict, Verdict::missing);
  EXPECT_EQ(judge(nullptr, nullptr, nullptr, {}).verdict, Verdict::missing);
}

TEST(Lineage, NothingInItIsBlankWithAndWithoutReference) {
  const support::History root_only = {{support::bootstrap_history({1767346200, 0}).front()}};
  const std::string cases[] = {"",
                               "FS21",
                               "FS30",
                               std::string(4, '\0'),
                               std::string(100'000, '\0'),
                               std::string(3, '\0'),
                               support::render(root_only)};
  for (const std::string& live : cases) {
    SCOPED_TRACE(std::to_string(live.size()) + " bytes");
    EXPECT_VERDICT(blank, judged(school(), live));
    EXPECT_VERDICT(blank, judged_by_fingerprint(school(), live));
    EXPECT_VERDICT(blank, judged_alone(live));
  }
}

TEST(Lineage, FreshBootstrapIsBlank) {
  EXPECT_VERDICT(blank, judged(school(), support::bootstrap()));
  EXPECT_VERDICT(blank, judged_by_fingerprint(school(), support::bootstrap()));
  // With nothing to compare it with, it is a database as any other.
  EXPECT_VERDICT(sound, judged_alone(support::bootstrap()));
}

TEST(Lineage, BootstrapOfOtherMagicIsBlankToo) {
  EXPECT_VERDICT(blank,
                 judged(school(), support::render(support::bootstrap_history({1767346200, 0}), "FS21")));
}

TEST(Lineage, EveryStrictPrefixIsTruncated) {
  const std::string whole = school(6);
  for (std::size_t size = 5; size < whole.size(); ++size) {
    const Judgement judgement = judged(whole, whole.substr(0, size));
    ASSERT_EQ(judgement.verdict, Verdict::truncated) << size << ": " << judgement.reason;
  }
}

TEST(Lineage, PrefixFilledUpWithZerosIsTruncated) {
  const std::string whole = school();
  for (const std::size_t size : {std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
    std::string live = whole.substr(0, size);
    live.resize(whole.size(), '\0');
    EXPECT_VERDICT(truncated, judged(whole, live));
    live.resize(whole.size() + 4096, '\0');
    EXPECT_VERDICT(truncated, judged(whole, live));
  }
}

TEST(Lineage, PrefixThatWasWrittenToIsNeverTakenForTruncated) {
  // A server opened the cut database and went on with it: that work must not be put aside without a word.
  const auto history = support::lived_on(support::school_history(12), 20);
  const Judgement judgement = judged(school(20), support::render(history));
  EXPECT_EQ(judgement.verdict, Verdict::damaged) << judgement.reason;
  EXPECT_GT(judgement.went_back, 0u);
}

TEST(Lineage, OtherSchoolIsForeign) {
  support::History other = support::school_history(20);
  for (auto& transaction : other)
    transaction.tid += 12345;  // written by another server at nearly the same time
  EXPECT_VERDICT(foreign, judged(school(), support::render(other)));
  EXPECT_VERDICT(foreign, judged_by_fingerprint(school(), support::render(other)));
}

TEST(Lineage, YoungerDatabaseWithMostObjectsIsForeignNotBlank) {
  // Exported and imported again: all transactions are new, but the school is in it.
  support::History other = support::school_history(20);
  for (auto& transaction : other)
    transaction.tid = base::tid_of({1767346200, 0}) + transaction.tid % 100'000'000'000;
  std::sort(other.begin(), other.end(), [](const auto& a, const auto& b) { return a.tid < b.tid; });
  EXPECT_VERDICT(foreign, judged(school(), support::render(other)));
}

TEST(Lineage, OlderSmallDatabaseIsForeignNotBlank) {
  // An administrator put a backup of another small site there: its transactions are not all younger.
  EXPECT_VERDICT(foreign, judged(school(), support::render(support::bootstrap_history({1748764801, 0}))));
}

TEST(Lineage, OldBackupIsTruncatedOrDamagedNeverHealthy) {
  EXPECT_VERDICT(truncated, judged(school(20), school(10)));
  // A packed backup is no prefix.
  EXPECT_VERDICT(damaged, judged(school(20), support::render(support::packed(support::school_history(10)))));
}

TEST(Lineage, BrokenInsideIsDamaged) {
  std::string live = school();
  live.replace(live.size() / 2, 200, std::string(200, '\xee'));
  EXPECT_VERDICT(damaged, judged(school(), live));
  EXPECT_VERDICT(damaged, judged_by_fingerprint(school(), live));
  EXPECT_VERDICT(damaged, judged_alone(live));
}

TEST(Lineage, GarbageIsDamaged) {
  EXPECT_VERDICT(damaged, judged(school(), "GIF89a" + std::string(20'000, 'x')));
  EXPECT_VERDICT(damaged, judged_alone("GIF89a" + std::string(20'000, 'x')));
}

TEST(Lineage, DamageBehindTheBytesOfBeforeIsDamage) {
  std::string live = school(30);
  const std::size_t at = school(20).size() + 10;
  live.replace(at, 300, std::string(300, '\xee'));
  EXPECT_VERDICT(damaged, judged(school(20), live));
  // Also if a transaction was being written when we looked.
  EXPECT_VERDICT(damaged, judged(school(20), support::with_torn_tail(live)));
}

TEST(Lineage, ReasonNamesNumbersForPeople) {
  EXPECT_EQ(judged(school(), support::bootstrap()).reason,
            "4 transactions, all younger than the database before, 6 of 58 objects");
}

// ---- real databases

TEST(Lineage, RealBootstrapGrowsIntoTheRealSchool) {
  for (const std::string kind : {"fs30", "fs21-310", "fs21-58"}) {
    SCOPED_TRACE(kind);
    const std::string early = support::read_fixture("fs/" + kind + "-bootstrap/Data.fs");
    const std::string late = support::read_fixture("fs/" + kind + "-school/Data.fs");
    if (late.starts_with(early)) {
      EXPECT_VERDICT(grown, judged(early, late));
      EXPECT_VERDICT(truncated, judged(late, early));
    }
    EXPECT_VERDICT(unchanged, judged(late, late));
    EXPECT_VERDICT(blank, judged(late, ""));
  }
}

TEST(Lineage, RealPacksArePacked) {
  const std::pair<const char*, const char*> cases[] = {{"fs30-school", "end.gc"},
                                                       {"fs30-school", "week2.gc"},
                                                       {"fs30-undo", "after-03.gc"},
                                                       {"fs30-undo", "after-06.gc"},
                                                       {"fs30-many-oids", "after-02.gc"},
                                                       {"fs21-310-many-oids", "after-01.gc"},
                                                       {"fs21-310-many-oids", "after-02.gc"}};
  for (const auto& [name, pack] : cases) {
    SCOPED_TRACE(std::string(name) + " " + pack);
    EXPECT_VERDICT(packed, judged(support::read_fixture(std::string("fs/") + name + "/Data.fs"),
                                  support::read_fixture(std::string("packs/") + name + "." + pack + ".fs")));
  }
}

// A pack drops a last transaction that is all garbage. A packed file that was cut looks the same, so a person
// has to look; nothing is rolled back for that.
TEST(Lineage, RealPacksWithoutTheLastTransactionAreLeftToAPerson) {
  const std::pair<const char*, const char*> cases[] = {
      {"fs21-310-refs", "after-01.gc"}, {"fs30-fuzz-0", "after-29.nogc"}, {"fs30-empty-txns", "after-07.gc"}};
  for (const auto& [name, pack] : cases) {
    SCOPED_TRACE(std::string(name) + " " + pack);
    EXPECT_VERDICT(damaged, judged(support::read_fixture(std::string("fs/") + name + "/Data.fs"),
                                   support::read_fixture(std::string("packs/") + name + "." + pack + ".fs")));
  }
}

TEST(Lineage, PackedFileThatWasCutIsNeverHealthy) {
  const std::string whole = support::render(support::packed(support::school_history(20)));
  for (std::size_t size = 5; size < whole.size(); size += 7) {
    const Judgement judgement = judged(school(20), whole.substr(0, size));
    ASSERT_FALSE(is_healthy(judgement.verdict)) << size << ": " << judgement.reason;
  }
  const auto history = support::packed(support::school_history(20));
  for (std::size_t kept = 1; kept < history.size(); ++kept) {
    const support::History cut(history.begin(), history.begin() + static_cast<std::ptrdiff_t>(kept));
    ASSERT_FALSE(is_healthy(judged(school(20), support::render(cut)).verdict)) << kept;
  }
}

// One database where another stood: never healthy. (Their moments overlap, so none is a fresh bootstrap of
// another.)
TEST(Lineage, RealDatabasesAreStrangersToEachOther) {
  const std::string schools[] = {"fs30-school", "fs30-fuzz-0", "fs30-fuzz-1",
                                 "fs30-fuzz-2", "fs30-undo",   "fs21-310-fuzz-0"};
  for (const std::string& one : schools) {
    for (const std::string& other : schools) {
      if (one == other) continue;
      const auto judgement = judged(support::read_fixture("fs/" + one + "/Data.fs"),
                                    support::read_fixture("fs/" + other + "/Data.fs"));
      EXPECT_FALSE(is_healthy(judgement.verdict))
          << one << " -> " << other << ": " << to_string(judgement.verdict);
      EXPECT_FALSE(judgement.verdict == Verdict::missing || judgement.verdict == Verdict::truncated);
    }
  }
}

}  // namespace
}  // namespace upgrade
