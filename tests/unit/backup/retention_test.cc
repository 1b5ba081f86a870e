#include "backup/retention.h"

#include <gtest/gtest.h>

#include "io/mem_env.h"

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
    piece.stored = piece.end = 100;
    chain.pieces = {piece};
    chain.has_dat = true;
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
  EXPECT_EQ(plan.oldest_kept, "2");
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
  EXPECT_EQ(plan.oldest_kept, "1");
}

// A record says what was backed up, not that it is still there.
TEST(Retention, ChainsThatLackAPieceDoNotCount) {
  const std::vector<Record> records = {record("1"), record("2"), record("3"), record("4")};
  auto all = chains(4);
  all[2].pieces[0].missing = true;
  RetentionPlan plan = plan_retention(all, records, {}, 3, 2, 1000, 0);
  EXPECT_TRUE(plan.chains.empty());
  plan = plan_retention(all, records, {}, 2, 2, 0, 10000);
  EXPECT_EQ(plan.chains, Stamps{"1"});
  EXPECT_EQ(plan.oldest_kept, "2");
  all[3].problem = "is empty";
  EXPECT_TRUE(plan_retention(all, records, {}, 2, 2, 0, 10000).chains.empty());
}

TEST(Retention, WithoutAnyRecordNothingGoes) {
  const RetentionPlan plan = plan_retention(chains(4), {}, {"1", "2"}, 1, 1, 0, 1000);
  EXPECT_TRUE(plan.chains.empty());
  EXPECT_TRUE(plan.archives.empty());
  EXPECT_TRUE(plan.records.empty());
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

// What was planned by records is carried out by stamps: a chain that is not whole between those that stay
// costs no other one its place.
TEST(Retention, CarriesOutWhatWasPlannedAndNoMore) {
  io::MemEnv mem;
  mem.put_dir("/repo");
  for (const std::string day : {"01", "02", "03", "04"}) {
    const std::string stamp = "2013-02-" + day + "-00-00-00";
    mem.put_file("/repo/" + stamp + ".dat", "repo/" + stamp + ".fs 0 3 " + std::string(32, 'a') + "\n");
    if (day != "03") mem.put_file("/repo/" + stamp + ".fs", "xxx");
  }
  repozo::Repository repository(mem, mem.open_dir("/repo", io::Links::refuse));
  const Stamps stamps = {"2013-02-01-00-00-00", "2013-02-02-00-00-00", "2013-02-03-00-00-00",
                         "2013-02-04-00-00-00"};
  std::vector<Record> records;
  for (const std::string& stamp : stamps) records.push_back(record(stamp));
  const RetentionPlan plan = plan_retention(repozo::list_chains(repository), records, {}, 2, 1, 1000, 0);
  EXPECT_EQ(plan.oldest_kept, stamps[1]);
  EXPECT_EQ(apply_retention(repository, plan), Stamps{stamps[0] + ".fs"});
  EXPECT_FALSE(mem.status("/repo/" + stamps[0] + ".fs"));
  EXPECT_TRUE(mem.status("/repo/" + stamps[1] + ".fs"));
  EXPECT_TRUE(mem.status("/repo/" + stamps[3] + ".fs"));
}

}  // namespace
}  // namespace backup
