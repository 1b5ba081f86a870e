// Salvaging transactions of known content, damaged in one place: what of them is kept, and what is left out.
#include <gtest/gtest.h>

#include <string>
#include "unit/filestorage/salvage_case.h"

namespace filestorage {
namespace {

TEST(Salvage, TakesNoRecordWhoseOidMayBeLost) {
  const Small made = small(3);
  const auto zeroed = [&](std::uint64_t from, std::uint64_t to) {
    std::string damaged = made.content;
    damaged.replace(from, to - from, to - from, '\0');
    return damaged;
  };
  // From the data of object 3 into the oid of 5.
  const Revisions behind = revisions(salvaged(zeroed(made.records[3] + 60, made.records[5] + 8)).content);
  EXPECT_EQ(behind.size(), 6u);
  EXPECT_EQ(behind.count({0, kFirstTid + 1000}), 0u);
  // The oid of 4 and a byte of the tid; the location of 4.
  for (const auto& [from, to] : {std::pair{0, 9}, std::pair{24, 32}}) {
    const std::uint64_t record = made.records[4];
    const std::string damaged =
        zeroed(record + static_cast<std::uint64_t>(from), record + static_cast<std::uint64_t>(to));
    const Revisions saved = revisions(salvaged(damaged).content);
    EXPECT_EQ(saved.size(), 8u);
    EXPECT_EQ(saved.count({0, kFirstTid + 1000}), 0u);
    EXPECT_EQ(saved.count({5, kFirstTid + 1000}), 1u);
  }
}

TEST(Salvage, LeavesOutDataThatLostBytes) {
  const Small made = small(3);
  std::string damaged = made.content;
  damaged.erase(made.records[4] + 70, 3);
  EXPECT_EQ(oids(salvaged(damaged).content), (std::set<Oid>{0, 1, 2, 3, 5, 6, 7, 8}));
}

TEST(Salvage, FindsADamagedTransactionBehindABreak) {
  const Small made = small(4);
  std::string damaged = made.content;
  damaged[made.transactions[1] + 15] = '\x11';
  damaged[made.transactions[2] - 1] = '\x12';
  damaged.replace(made.records[7], 30, 30, '\x7f');
  EXPECT_EQ(oids(salvaged(damaged).content), (std::set<Oid>{0, 1, 2, 6, 8, 9, 10, 11}));
}

TEST(Salvage, PutsTheTidRightThatTheNextOneShowsToBeWrong) {
  const Small made = small(3);
  std::string damaged = made.content;
  damaged[made.transactions[1]] = '\x7f';
  const Salvaged result = salvaged(damaged);
  EXPECT_EQ(result.content, made.content);
}

TEST(Salvage, TakesNoEmptyTransactionThatLeadsNowhere) {
  const Small made = small(2);
  TransactionHeader header;
  header.tid = ~Tid{0} >> 1;
  header.length = kTransactionHeaderSize;
  std::string fake(kTransactionHeaderSize + kTrailerSize, '\0');
  store(reinterpret_cast<std::byte*>(fake.data()), header);
  base::store_be(reinterpret_cast<std::byte*>(fake.data() + kTransactionHeaderSize), header.length);
  std::string damaged = made.content;
  damaged.insert(made.transactions[1], fake + "noise");
  EXPECT_EQ(salvaged(damaged).content, made.content);
}

TEST(Salvage, LeavesOutWhatWasNeverFinished) {
  const Small made = small(3);
  std::string unfinished = made.content;
  unfinished[made.transactions[2] + 16] = 'c';
  const Salvaged result = salvaged(unfinished);
  EXPECT_EQ(result.content, made.content.substr(0, made.transactions[2]));
  EXPECT_FALSE(result.report.complete());
}

// Object 1 is undone to a revision that was lost but for its data, which makes the undo longer; another undo
// leads to what stands behind it.
TEST(Salvage, LeadsBackPointersToWhereTheirTargetsWentTo) {
  std::string content;
  support::FileBuilder builder([&content](std::string_view bytes) { content += bytes; });
  const auto next = [&builder](unsigned number) { builder.begin(kFirstTid + number); };
  next(0);
  builder.record(0, text_record('r'));
  builder.finish();
  const std::uint64_t lost = builder.end();
  next(1);
  const std::uint64_t old = builder.record(1, text_record('o'));
  builder.finish();
  const std::uint64_t behind = builder.end();
  next(2);
  builder.back_pointer(1, old);
  const std::uint64_t moved = builder.record(2, text_record('m'));
  builder.finish();
  next(3);
  builder.record(2, text_record('n'));
  builder.finish();
  next(4);
  builder.back_pointer(2, moved);
  builder.finish();
  Revisions expected = revisions(content);
  ASSERT_EQ(expected.erase({1, kFirstTid + 1}), 1u);
  content[lost + 15] = '\x11';
  content[behind - 1] = '\x12';
  const Salvaged result = salvaged(content);
  EXPECT_EQ(revisions(result.content), expected);
  EXPECT_EQ(result.report.records_lost, 0u);
  const std::uint64_t longer = text_record('o').size() - kBackPointerSize;
  EXPECT_EQ(result.content.size(), content.size() - (behind - lost) + longer);  // still pointers
}

}  // namespace
}  // namespace filestorage
