#include "backup/retention.h"

#include <gtest/gtest.h>

namespace backup {
namespace {

using Stamps = std::vector<std::string>;

// Chains "1", "2"... of 100 bytes each.
std::vector<repozo::Chain> chains(unsigned count) {
  std::vector<repozo::Chain> all;
  for (unsigned number = 1; number <= count; ++number) {
    repozo::Chain chain;
    chain.stamp = std::to_string(number);
    repozo::Piece piece;
    piece.name.stamp = chain.stamp;
    piece.stored = 100;
    chain.pieces = {piece};
    all.push_back(chain);
  }
  return all;
}

Record record(const std::string& chain, const Stamps& archives = {}) {
  Record record;
  record.stamp = record.chain = chain;
  record.archives = archives;
  return record;
}

TEST(Retention, KeepsAsManyChainsAsItShould) {
  const std::vector<Record> records = {record("1"), record("2"), record("3"), record("4")};
  const RetentionPlan plan = plan_retention(chains(4), records, {}, 3, 1, 1000, 0);
  EXPECT_EQ(plan.chains, Stamps{"1"});
  EXPECT_EQ(plan.records, Stamps{"1"});
  EXPECT_EQ(plan.chains_kept, 3u);
}

TEST(Retention, ShortOfSpaceItGoesDownToTheMinimumAndNoFurtherThanNeeded) {
  const std::vector<Record> records = {record("1"), record("2"), record("3"), record("4")};
  EXPECT_EQ(plan_retention(chains(4), records, {}, 4, 2, 50, 120).chains, Stamps{"1"});
  EXPECT_EQ(plan_retention(chains(4), records, {}, 4, 2, 0, 10000).chains, (Stamps{"1", "2"}));
  EXPECT_TRUE(plan_retention(chains(4), records, {}, 4, 2, 120, 120).chains.empty());
}

TEST(Retention, ChainsWithoutARecordDoNotCount) {
  const std::vector<Record> records = {record("1"), record("2")};
  const RetentionPlan plan = plan_retention(chains(4), records, {}, 2, 1, 1000, 0);
  EXPECT_TRUE(plan.chains.empty());
  EXPECT_EQ(plan.chains_kept, 4u);
}

TEST(Retention, WithoutAnyRecordNothingGoes) {
  const RetentionPlan plan = plan_retention(chains(4), {}, {"1", "2"}, 1, 1, 0, 1000);
  EXPECT_TRUE(plan.chains.empty());
  EXPECT_TRUE(plan.archives.empty());
  EXPECT_EQ(plan.chains_kept, 4u);
}

TEST(Retention, ArchivesGoOnlyWhenNoKeptBackupNeedsThem) {
  const std::vector<Record> records = {record("1", {"1"}), record("2", {"1", "2"}), record("3", {"1", "3"})};
  const RetentionPlan plan = plan_retention(chains(3), records, {"1", "2", "3"}, 1, 1, 1000, 0);
  EXPECT_EQ(plan.chains, (Stamps{"1", "2"}));
  EXPECT_EQ(plan.archives, Stamps{"2"});
}

TEST(Retention, ARecordWhoseChainIsGoneByAccidentIsKeptAndItsArchivesToo) {
  const std::vector<Record> records = {record("1"), record("15", {"15"}), record("2", {"2"})};
  const RetentionPlan plan = plan_retention(chains(2), records, {"15", "2"}, 2, 1, 1000, 0);
  EXPECT_TRUE(plan.records.empty());
  EXPECT_TRUE(plan.archives.empty());
}

}  // namespace
}  // namespace backup
