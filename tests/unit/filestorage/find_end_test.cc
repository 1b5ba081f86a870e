#include <gtest/gtest.h>

#include <string>

#include "filestorage/scan.h"
#include "support/bytes_file.h"
#include "support/file_builder.h"

namespace filestorage {
namespace {

using support::BytesFile;
using support::FileBuilder;

constexpr Tid kFirst = 0x0398f82b40865944;

// 2,000 transactions, the last three being as the test wants them.
struct Database {
  std::string bytes;
  FileBuilder builder{[this](std::string_view part) { bytes += part; }};
  Tid tid = kFirst;

  Database() {
    for (Oid i = 0; i < 2000; ++i) add(i, ' ');
  }
  std::uint64_t add(Oid oid, char status) {
    builder.begin(++tid);
    builder.record(oid, std::string(500, 'x'));
    builder.finish(status);
    return builder.end();
  }
  void add_empty() {
    builder.begin(++tid, "user");
    builder.finish();
  }
};

std::uint64_t find_end(BytesFile& file) {
  return filestorage::find_end(file, file.content.size());
}

TEST(FindEnd, OfAWholeFileTakesAFewReads) {
  Database database;
  BytesFile file(database.bytes);
  EXPECT_EQ(find_end(file), database.bytes.size());
  EXPECT_LT(file.reads, 10u);
}

TEST(FindEnd, LooksBehindEmptyTransactionsForOneWithRecords) {
  Database database;
  for (int i = 0; i < 5; ++i) database.add_empty();
  BytesFile file(database.bytes);
  EXPECT_EQ(find_end(file), database.bytes.size());
  EXPECT_LT(file.reads, 30u);
}

TEST(FindEnd, OfAFileWhoseServerIsVotingTakesAFewReads) {
  Database database;
  const std::uint64_t end = database.bytes.size();
  database.add(7, 'c');
  BytesFile file(database.bytes);
  EXPECT_EQ(find_end(file), end);
  EXPECT_LT(file.reads, 20u);
}

// A voted transaction behind a break proves nothing about what is before it.
TEST(FindEnd, WalksWhereAVotedTransactionStandsBehindABreak) {
  Database database;
  const std::uint64_t end = database.bytes.size();
  const std::uint64_t voted = database.add(7, ' ');
  database.add(8, 'c');
  database.bytes[static_cast<std::size_t>(voted) - 1] ^= 1;
  BytesFile file(database.bytes);
  EXPECT_EQ(find_end(file), end);
}

TEST(FindEnd, WalksWhereTheTailIsTorn) {
  Database database;
  const std::uint64_t end = database.bytes.size();
  database.add(7, ' ');
  for (const std::size_t lost : {std::size_t{1}, std::size_t{8}, std::size_t{100}, std::size_t{570}}) {
    BytesFile file(database.bytes.substr(0, database.bytes.size() - lost));
    EXPECT_EQ(find_end(file), end) << lost;
  }
}

TEST(FindEnd, OfNothingIsBehindTheMagic) {
  for (const char* bytes : {"", "FS21", "FS30", "FS30x"}) {
    BytesFile file(bytes);
    EXPECT_EQ(find_end(file), 4u);
  }
  for (const char* bytes : {"F", "FS3", "FS31", "something else"}) {
    BytesFile file(bytes);
    EXPECT_EQ(find_end(file), 0u);
  }
}

TEST(FindEnd, DoesNotLookBehindTheSizeGiven) {
  Database database;
  const std::uint64_t end = database.bytes.size();
  database.add(7, ' ');
  BytesFile file(database.bytes);
  EXPECT_EQ(filestorage::find_end(file, end), end);
  EXPECT_EQ(filestorage::find_end(file, end + 30), end);
}

// The last bytes are by chance the length of something that is no transaction.
TEST(FindEnd, IsNotFooledByANumberAtTheEnd) {
  Database database;
  const std::uint64_t end = database.bytes.size();
  for (std::uint64_t length = 0; length < 700; ++length) {
    std::string tail(8, '\0');
    base::store_be(reinterpret_cast<std::byte*>(tail.data()), length);
    BytesFile file(database.bytes + "noise" + tail);
    ASSERT_EQ(find_end(file), end) << length;
  }
}

}  // namespace
}  // namespace filestorage
