#include "filestorage/check.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "filestorage/format.h"
#include "filestorage/index_file.h"
#include "filestorage/record_walk.h"
#include "support/bytes_file.h"

namespace filestorage {
namespace {

using namespace std::string_literals;
using support::BytesFile;

std::string reference_to(Oid oid) {
  std::string bytes(8, '\0');
  base::store_be(reinterpret_cast<std::byte*>(bytes.data()), oid);
  return "C\x08" + bytes + "Q";
}

// A record of class m.n that refers to these objects.
std::string record(const std::vector<Oid>& targets) {
  std::string state = "(";
  for (const Oid target : targets) state += reference_to(target);
  return "cm\nn\n." + state + "t.";
}

// One transaction for each list of records.
struct Stored {
  Oid oid;
  std::string data;
};
std::string database(const std::vector<std::vector<Stored>>& transactions) {
  std::string content(kMagicFs30);
  Tid tid = 0x0398f82b40865944;
  for (const auto& stored : transactions) {
    const std::uint64_t position = content.size();
    std::string body;
    for (const Stored& one : stored) {
      RecordHeader header{one.oid, tid, 0, position, 0, one.data.size()};
      std::string bytes(kRecordHeaderSize, '\0');
      store(reinterpret_cast<std::byte*>(bytes.data()), header);
      body += bytes + (one.data.empty() ? std::string(8, '\0') : one.data);
    }
    TransactionHeader header;
    header.tid = tid++;
    header.length = kTransactionHeaderSize + body.size();
    std::string head(kTransactionHeaderSize, '\0'), trailer(8, '\0');
    store(reinterpret_cast<std::byte*>(head.data()), header);
    base::store_be(reinterpret_cast<std::byte*>(trailer.data()), header.length);
    content += head + body + trailer;
  }
  return content;
}

std::vector<std::string> told(const std::string& content, const CheckOptions& options = {}) {
  BytesFile file(content);
  std::vector<std::string> lines;
  check(file, options, [&](const Problem& problem) {
    std::string line = to_string(problem.kind) + " "s + std::to_string(problem.oid);
    if (problem.target != 0) line += " -> " + std::to_string(problem.target);
    lines.push_back(line + (problem.class_name.empty() ? "" : " " + problem.class_name));
  });
  return lines;
}
using Lines = std::vector<std::string>;

TEST(Check, FindsNothingInASoundDatabase) {
  EXPECT_EQ(told(database({{{0, record({1})}}, {{1, record({0})}}})), Lines{});
}

TEST(Check, TellsEachTargetOfAnObjectOnce) {
  EXPECT_EQ(told(database({{{0, record({7, 5, 7, 0})}}})),
            (Lines{"dangling_missing 0 -> 5 m.n", "dangling_missing 0 -> 7 m.n"}));
}

TEST(Check, TellsAReferenceToADeletedObject) {
  EXPECT_EQ(told(database({{{0, record({1})}, {1, record({})}}, {{1, ""}}})),
            Lines{"dangling_undone 0 -> 1 m.n"});
}

TEST(Check, LooksAtTheNewestRevisionUnlessAskedForAll) {
  const std::string content = database({{{0, record({9})}}, {{0, record({})}}});
  EXPECT_EQ(told(content), Lines{});
  CheckOptions all;
  all.all_revisions = true;
  EXPECT_EQ(told(content, all), Lines{"dangling_missing 0 -> 9 m.n"});
}

TEST(Check, GoesOnBehindAPickleThatCannotBeRead) {
  const std::string content = database({{{0, "cm\nn\n." + reference_to(8) + "K"}, {1, record({9})}}});
  EXPECT_EQ(told(content),
            (Lines{"bad_pickle 0 m.n", "dangling_missing 0 -> 8 m.n", "dangling_missing 1 -> 9 m.n"}));
}

// Two transactions of five have lost their lengths. What is wrong behind them is told, and what is right
// there is not missing.
TEST(Check, GoesOnBehindEachBreakOfTheChain) {
  const std::vector<std::vector<Stored>> transactions = {{{0, record({1, 3})}},
                                                         {{7, record({})}},
                                                         {{1, record({6})}},
                                                         {{8, record({})}},
                                                         {{3, record({0, 9})}, {4, "cm\nn\n.K"}}};
  std::string content = database(transactions);
  std::vector<std::uint64_t> starts = {kMagicSize};
  for (int i = 0; i < 4; ++i) {
    const auto header = load_transaction_header(base::as_bytes(content).data() + starts.back());
    starts.push_back(starts.back() + header.length + kTrailerSize);
  }
  content[starts[1] + 8] = 1;
  content[starts[3] + 15] = 0;
  const Lines expected = {"structure 0",
                          "structure 0",
                          "structure 0",
                          "dangling_missing 1 -> 6 m.n",
                          "dangling_missing 3 -> 9 m.n",
                          "bad_pickle 4 m.n"};
  EXPECT_EQ(told(content), expected);
  BytesFile file(content);
  const CheckReport report = check(file, {}, [](const Problem&) {});
  EXPECT_EQ(report.structure.end, content.size());
  EXPECT_EQ(report.structure.transactions, 3u);
  EXPECT_EQ(report.structure.tail, Tail::clean);
  ASSERT_EQ(report.structure.breaks.size(), 2u);
  EXPECT_EQ(report.structure.breaks[0].from, starts[1]);
  EXPECT_EQ(report.structure.breaks[0].to, starts[2]);
  EXPECT_EQ(report.structure.breaks[1].from, starts[3]);
  EXPECT_EQ(report.structure.breaks[1].to, starts[4]);
}

// ZODB believes an index over a break, and does not see it.
TEST(Check, ComparesAnIndexThatGoesOverABreak) {
  std::string content = database({{{0, record({})}}, {{7, record({})}}, {{1, record({})}}});
  BytesFile sound(content);
  Index positions;
  ScanOptions scan_options;
  scan_options.positions = &positions;
  const std::uint64_t end = scan(sound, scan_options).end;
  BytesFile index;
  write_index(index, positions, end, IndexDialect::protocol3, IndexStrings::python3);
  content[load_transaction_header(base::as_bytes(content).data() + kMagicSize).length + kMagicSize +
          kTrailerSize + 8] = 1;
  CheckOptions options;
  options.index = &index;
  EXPECT_EQ(told(content, options), (Lines{"structure 0", "index_extra 7"}));
}

TEST(Check, TellsAPreviousRecordThatIsAnotherObjects) {
  std::string content = database({{{0, record({})}, {1, record({})}}, {{1, record({})}}});
  const auto header = load_transaction_header(base::as_bytes(content).data() + kMagicSize);
  const std::uint64_t second = kMagicSize + header.length + kTrailerSize + kTransactionHeaderSize;
  EXPECT_EQ(told(content), Lines{});  // 0, as behind a pack
  auto* previous = reinterpret_cast<std::byte*>(content.data() + second + 16);
  base::store_be(previous, kMagicSize + kTransactionHeaderSize);
  EXPECT_EQ(told(content), Lines{"previous_record 1"});
}

// What was displaced by bytes that are gone is not read as if it stood where it says.
TEST(Check, EndsWhereOnlyADisplacedTransactionFollows) {
  std::string content = database({{{0, record({})}}, {{7, record({8})}}, {{1, record({9})}}});
  const auto header = load_transaction_header(base::as_bytes(content).data() + kMagicSize);
  const std::uint64_t second = kMagicSize + header.length + kTrailerSize;
  content.erase(second + 3, 40);
  EXPECT_EQ(told(content), (Lines{"structure 0", "torn_end 0"}));
}

TEST(Check, TellsThatThereAreMoreFaultsThanItLists) {
  std::string content = database({{{0, record({})}}});
  std::string empty(kTransactionHeaderSize + kTrailerSize, '\0');
  TransactionHeader header;  // the tid 0 is never later
  header.length = kTransactionHeaderSize;
  store(reinterpret_cast<std::byte*>(empty.data()), header);
  base::store_be(reinterpret_cast<std::byte*>(empty.data() + header.length), header.length);
  for (int i = 0; i < 100'001; ++i) content += empty;
  BytesFile file(content);
  std::size_t count = 0;
  const CheckReport report = check(file, {}, [&count](const Problem&) { ++count; });
  EXPECT_TRUE(report.more);
  EXPECT_EQ(count, 100'000u);
  content.resize(content.size() - 2 * empty.size());
  BytesFile fewer(content);
  EXPECT_FALSE(check(fewer, {}, [](const Problem&) {}).more);
}

// ZODB believes no index of so short a file, and writes one all the same.
TEST(Check, FindsNothingInTheIndexOfAnEmptyDatabase) {
  BytesFile index;
  write_index(index, Index(), kMagicSize, IndexDialect::protocol3, IndexStrings::python3);
  CheckOptions options;
  options.index = &index;
  EXPECT_EQ(told(std::string(kMagicFs30), options), Lines{});
}

TEST(Check, TellsThatTheRootIsMissing) {
  EXPECT_EQ(told(database({{{5, record({})}}})), Lines{"no_root 0"});
}

TEST(Check, TellsAnEmptyFile) {
  EXPECT_EQ(told(""), Lines{"empty_file 0"});
}

// Large enough for two threads; each object refers to one that is not there.
std::string large(std::size_t transactions) {
  std::vector<std::vector<Stored>> stored;
  for (Oid oid = 0; oid < transactions; ++oid)
    stored.push_back({{oid, record({oid + 1'000'000'000, 0}) + std::string(1500, 'x')}});
  return database(stored);
}

TEST(Check, TellsTheSameInTheSameOrderWithOneThreadAndWithTwo) {
  const std::string content = large(25'000);  // more problems than may wait in the second half
  CheckOptions one;
  one.threads = 1;
  const Lines expected = told(content, one);
  EXPECT_EQ(expected.size(), 25'000u);
  EXPECT_EQ(told(content), expected);
}

TEST(Check, GoesOnBehindABreakWithTwoThreads) {
  std::string content = large(15'000);
  const auto header = load_transaction_header(base::as_bytes(content).data() + kMagicSize);
  const std::uint64_t step = header.length + kTrailerSize;
  for (const std::uint64_t number : {100u, 14'000u}) content[kMagicSize + number * step + 8] = 1;
  CheckOptions one;
  one.threads = 1;
  const Lines expected = told(content, one);
  EXPECT_EQ(expected.size(), 15'000u);  // two breaks, and all but two objects
  EXPECT_EQ(told(content), expected);
}

TEST(Check, SurvivesATransactionInsideOfDataWhereTheSecondThreadBegins) {
  // A record over the middle of the file whose data hold whole transactions that name their real places.
  const std::string before = database({{{0, record({77})}}});
  std::string data = record({});
  const std::uint64_t data_at = before.size() + kTransactionHeaderSize + kRecordHeaderSize;
  while (data.size() < (20u << 20)) {
    const std::uint64_t place = data_at + data.size();
    std::string inner = database({{{3, record({88})}}}).substr(kMagicSize);
    const RecordHeader header{3, 0x0398f82b40865944, 0, place, 0, record({88}).size()};
    store(reinterpret_cast<std::byte*>(inner.data()) + kTransactionHeaderSize, header);
    data += inner;
  }
  const std::string content = database({{{0, record({77})}}, {{1, data}}, {{2, record({99})}}});
  EXPECT_EQ(told(content), (Lines{"dangling_missing 0 -> 77 m.n", "dangling_missing 2 -> 99 m.n"}));
}

TEST(Check, HandsOnWhatTheListenerThrows) {
  const std::string content = large(15'000);
  for (const Oid oid : {Oid{10}, Oid{14'900}}) {
    BytesFile file(content);
    EXPECT_THROW(check(file, {},
                       [oid](const Problem& problem) {
                         if (problem.oid == oid) throw std::runtime_error("enough");
                       }),
                 std::runtime_error);
  }
}

TEST(Check, ReadsLittleMoreThanTheFileTwice) {
  BytesFile file(large(5'000));
  check(file, {}, [](const Problem&) {});
  EXPECT_LT(file.bytes_read, file.content.size() * 22 / 10);
}

TEST(FindData, EndsAtACircleAndAtAnotherObject) {
  std::string content = database({{{0, record({})}}, {{1, record({})}}, {{0, ""}}});
  BytesFile file(content);
  ForwardReader in(file, content.size());
  std::vector<WalkedRecord> records;
  walk_records(
      in, kMagicSize, {}, [](std::uint64_t) { return false; },
      [&](const WalkedRecord& found) { records.push_back(found); });
  ASSERT_EQ(records.size(), 3u);
  WalkedRecord undo = records[2];
  EXPECT_EQ(find_data(in, undo).what, FoundData::What::nothing);
  undo.back = records[0].position;
  EXPECT_EQ(find_data(in, undo).what, FoundData::What::data);
  for (const std::uint64_t wrong : {undo.position, records[1].position, content.size(), std::size_t{1}}) {
    undo.back = wrong;
    EXPECT_EQ(find_data(in, undo).what, FoundData::What::broken) << wrong;
  }
}

}  // namespace
}  // namespace filestorage
