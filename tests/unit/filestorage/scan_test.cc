#include "filestorage/scan.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/error.h"
#include "base/xxh128.h"
#include "filestorage/chain_check.h"
#include "filestorage/format.h"
#include "support/bytes_file.h"
#include "support/file_builder.h"

namespace filestorage {
namespace {

using support::BytesFile;
using support::FileBuilder;

constexpr Tid kFirst = 0x0398f82b40865944;

// A database being built in a string.
struct Database {
  std::string bytes;
  FileBuilder builder{[this](std::string_view part) { bytes += part; }};

  // One transaction with a record of `size` bytes for each of the oids.
  std::uint64_t add(Tid tid, std::initializer_list<Oid> oids, std::size_t size = 30, char status = ' ') {
    const std::uint64_t at = builder.end();
    builder.begin(tid, "user", "description");
    for (const Oid oid : oids) builder.record(oid, std::string(size, 'x'));
    builder.finish(status);
    return at;
  }
};

ScanResult scan_bytes(const std::string& bytes, Index* positions = nullptr) {
  BytesFile file(bytes);
  ScanOptions options;
  options.positions = positions;
  return scan(file, options);
}

// The example of format.h.
TEST(Scan, ReadsTheDocumentedExample) {
  const std::string bytes(
      "FS30\x03\x98\xf8\x2b\x40\x86\x59\x44\0\0\0\0\0\0\0\x44 \0\0\0\0\0\0"
      "\0\0\0\0\0\0\0\0\x03\x98\xf8\x2b\x40\x86\x59\x44\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\0\0"
      "\x03\x80\x03N"
      "\0\0\0\0\0\0\0\x44",
      4 + 0x44 + 8);
  Index positions;
  const ScanResult result = scan_bytes(bytes, &positions);
  EXPECT_TRUE(result.findings.empty());
  EXPECT_EQ(result.magic, Magic::fs30);
  EXPECT_EQ(result.end, bytes.size());
  EXPECT_EQ(result.transactions, 1u);
  EXPECT_EQ(result.records, 1u);
  EXPECT_EQ(result.first_tid, kFirst);
  EXPECT_EQ(positions.get(0), 27u);
}

TEST(Scan, TellsWhereTheLastTransactionStands) {
  Database database;
  database.add(kFirst, {0, 1});
  const std::uint64_t last = database.add(kFirst + 1, {1});
  const ScanResult result = scan_bytes(database.bytes);
  EXPECT_EQ(result.last_transaction_at, last);
  EXPECT_EQ(result.last_tid, kFirst + 1);
  EXPECT_EQ(result.max_oid, 1u);
}

TEST(Scan, OfAnEmptyFileEndsBehindTheMagicToCome) {
  const ScanResult result = scan_bytes("");
  EXPECT_EQ(result.magic, Magic::none);
  EXPECT_EQ(result.end, 4u);
  EXPECT_EQ(result.tail, Tail::clean);
  EXPECT_FALSE(result.damaged());
}

TEST(Scan, RefusesAnotherMagic) {
  for (const char* bytes : {"F", "FS3", "FS20 and more", "GIF89a"}) {
    const ScanResult result = scan_bytes(bytes);
    ASSERT_EQ(result.findings.size(), 1u);
    EXPECT_EQ(result.findings[0].fault, Fault::bad_magic);
    EXPECT_TRUE(result.damaged());
    EXPECT_EQ(result.end, 0u);
  }
}

TEST(Scan, TreatsTheLimitAsTheEndOfTheFile) {
  Database database;
  database.add(kFirst, {0});
  const std::uint64_t second = database.add(kFirst + 1, {1});
  BytesFile file(database.bytes);
  ScanOptions options;
  options.limit = second;
  EXPECT_EQ(scan(file, options).tail, Tail::clean);
  EXPECT_EQ(scan(file, options).transactions, 1u);
  options.limit = second + 30;
  const ScanResult torn = scan(file, options);
  EXPECT_EQ(torn.tail, Tail::torn);
  EXPECT_EQ(torn.end, second);
  EXPECT_EQ(torn.size, second + 30);
  EXPECT_FALSE(torn.damaged());
}

TEST(Scan, SkipsRecordsIfAskedTo) {
  Database database;
  database.add(kFirst, {0, 1, 2});
  BytesFile file(database.bytes);
  ScanOptions options;
  options.records = false;
  const ScanResult result = scan(file, options);
  EXPECT_EQ(result.transactions, 1u);
  EXPECT_EQ(result.records, 0u);
  EXPECT_EQ(result.end, database.bytes.size());
}

TEST(Scan, DigestsPrefixesInTheSamePass) {
  Database database;
  for (Tid i = 0; i < 200; ++i) database.add(kFirst + i, {i, i + 1}, 30000);
  const std::uint64_t middle = database.builder.end();
  for (Tid i = 200; i < 220; ++i) database.add(kFirst + i, {i}, 100);
  BytesFile file(database.bytes);
  Index tids;
  ScanOptions options;
  options.tids = &tids;
  options.digest_points = {4, middle, database.bytes.size()};
  const ScanResult result = scan(file, options);
  ASSERT_EQ(result.digests.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    base::Xxh128 hasher;
    hasher.update(base::as_bytes(database.bytes).first(static_cast<std::size_t>(options.digest_points[i])));
    EXPECT_EQ(result.digests[i], hasher.hex());
  }
  EXPECT_EQ(result.objects, 220u);
  EXPECT_EQ(tids.get(7), kFirst + 7);
  EXPECT_EQ(file.bytes_read, database.bytes.size() + 4);  // the magic is looked at on its own
}

TEST(Scan, DigestsAlsoWhatStandsBehindABreak) {
  Database database;
  database.add(kFirst, {0});
  database.bytes += std::string(5000, 'n');
  BytesFile file(database.bytes);
  ScanOptions options;
  options.digest_points = {database.bytes.size()};
  base::Xxh128 hasher;
  hasher.update(base::as_bytes(database.bytes));
  const ScanResult result = scan(file, options);
  EXPECT_EQ(result.tail, Tail::torn);
  EXPECT_EQ(result.digests, std::vector<std::string>{hasher.hex()});
}

TEST(Scan, CannotDigestBeyondTheEnd) {
  BytesFile file("FS30");
  ScanOptions options;
  options.digest_points = {5};
  try {
    scan(file, options);
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
  }
}

TEST(Scan, ReadsLessThanATenthOfADatabaseOfUploads) {
  Database database;
  for (Tid i = 0; i < 40; ++i) database.add(kFirst + i, {i}, 600000);
  BytesFile file(database.bytes);
  Index positions;
  ScanOptions options;
  options.positions = &positions;
  EXPECT_EQ(scan(file, options).records, 40u);
  EXPECT_LT(file.bytes_read, database.bytes.size() / 10);
}

TEST(Scan, KeepsAFatalFindingThoughTheListIsFull) {
  Database database;
  for (int i = 0; i < 10; ++i) database.add(kFirst, {Oid(i)});  // each no later than the one before
  database.bytes[database.bytes.size() - 1] ^= 1;               // the last length
  BytesFile file(database.bytes);
  ScanOptions options;
  options.max_findings = 3;
  const ScanResult result = scan(file, options);
  ASSERT_EQ(result.findings.size(), 3u);
  EXPECT_EQ(result.findings[1].fault, Fault::tid_order);
  EXPECT_EQ(result.findings[2].fault, Fault::length_mismatch);
  EXPECT_TRUE(result.damaged());
}

TEST(Scan, CountsObjectsThatWereDeleted) {
  Database database;
  database.add(kFirst, {0, 1, 2, 3});
  const std::uint64_t one = database.builder.positions().get(1);
  database.builder.begin(kFirst + 1);
  database.builder.back_pointer(1, 0);
  const std::uint64_t gone = database.builder.back_pointer(2, 0);
  database.builder.back_pointer(3, 0);
  database.builder.finish();
  database.builder.begin(kFirst + 2);
  database.builder.back_pointer(1, one);   // there again
  database.builder.back_pointer(2, gone);  // and gone, by way of another
  database.builder.record(3, "x");
  database.builder.finish();
  const ScanResult result = scan_bytes(database.bytes);
  EXPECT_EQ(result.deletions, 3u);
  EXPECT_EQ(result.back_pointers, 2u);
  EXPECT_EQ(result.deleted_objects, 1u);
  EXPECT_TRUE(result.findings.empty());
}

TEST(Scan, DoesNotCountRecordsOfUndoneTransactions) {
  Database database;
  database.add(kFirst, {0});
  database.add(kFirst + 1, {7}, 30, 'u');
  Index positions;
  const ScanResult result = scan_bytes(database.bytes, &positions);
  EXPECT_EQ(result.transactions, 2u);
  EXPECT_EQ(result.undone, 1u);
  EXPECT_EQ(result.records, 1u);
  EXPECT_EQ(result.max_oid, 0u);
  EXPECT_EQ(positions.size(), 1u);
}

TEST(Scan, GoesOnBehindATransactionWithOneWrongLength) {
  Database database;
  database.add(kFirst, {0});
  database.add(kFirst + 1, {1});
  const std::uint64_t third = database.add(kFirst + 2, {2});
  database.bytes[static_cast<std::size_t>(third) - 1] ^= 1;
  const ScanResult result = scan_bytes(database.bytes);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].fault, Fault::length_mismatch);
  EXPECT_EQ(result.findings[0].position, third - kTrailerSize);
  EXPECT_EQ(result.end, database.bytes.size());
  EXPECT_EQ(result.transactions, 3u);
}

// Where the lengths differ, what follows has to prove itself; else the chain is broken there.
TEST(Scan, GoesNotOnToWhatIsNoWholeFinishedTransaction) {
  const std::function<void(std::string&, std::size_t)> spoil[] = {
      [](std::string& bytes, std::size_t at) { bytes[at + 16] = 'c'; },
      [](std::string& bytes, std::size_t at) { bytes.replace(at, 8, 8, '\0'); },  // no tid
      [](std::string& bytes, std::size_t at) { bytes[at + 15] ^= 1; },            // the length in front
      [](std::string& bytes, std::size_t) { bytes[bytes.size() - 1] ^= 1; },      // the length behind
      [](std::string& bytes, std::size_t at) { bytes[at + 38 + 15] ^= 1; },       // the record's tid
      [](std::string& bytes, std::size_t at) { bytes[at + 38 + 31] ^= 1; },       // and its position
  };
  for (std::size_t i = 0; i < std::size(spoil); ++i) {
    SCOPED_TRACE(i);
    Database database;
    const std::uint64_t first = database.add(kFirst, {0});
    const std::uint64_t broken = database.add(kFirst + 1, {1});
    const std::uint64_t third = database.add(kFirst + 2, {2});
    database.bytes[static_cast<std::size_t>(third) - 1] ^= 1;
    EXPECT_EQ(scan_bytes(database.bytes).end, database.bytes.size());
    spoil[i](database.bytes, static_cast<std::size_t>(third));
    const ScanResult result = scan_bytes(database.bytes);
    EXPECT_EQ(result.end, broken);
    EXPECT_EQ(result.last_transaction_at, first);
    EXPECT_TRUE(result.damaged());
  }
}

// Bytes too few for a record between the last one and the end of its transaction.
TEST(Scan, NoticesRecordsThatEndBeforeTheirTransactionDoes) {
  for (unsigned left = 1; left < kRecordHeaderSize; ++left) {
    Database database;
    database.add(kFirst, {0, 1}, 60);
    database.add(kFirst + 1, {0});
    const std::size_t second = kMagicSize + kTransactionHeaderSize + 15 + kRecordHeaderSize + 60;
    ASSERT_EQ(database.bytes[second + 41], 60);
    database.bytes[second + 41] = static_cast<char>(60 - left);  // its length of data
    const ScanResult result = scan_bytes(database.bytes);
    ASSERT_EQ(result.findings.size(), 1u) << left;
    EXPECT_EQ(result.findings[0].fault, Fault::record_bounds);
    EXPECT_TRUE(result.findings[0].fatal);
    EXPECT_EQ(result.findings[0].position, second + kRecordHeaderSize + 60 - left);
    EXPECT_EQ(result.transactions, 2u);
    EXPECT_EQ(result.records, 3u);
    ChainCheck check;
    check.update(base::as_bytes(database.bytes));
    EXPECT_TRUE(check.broken());
  }
}

// The same lengths damaged, before a torn tail: nothing at the end of the file leads back.
TEST(Scan, FindsALostTransactionInTheMiddleOfDamage) {
  Database database;
  database.add(kFirst, {0});
  const std::uint64_t broken = database.add(kFirst + 1, {1});
  database.add(kFirst + 2, {2});
  database.add(kFirst + 3, {3});
  database.bytes[static_cast<std::size_t>(broken) + 10] = 1;  // a length of 2^40
  database.bytes.resize(database.bytes.size() - 20);
  const ScanResult result = scan_bytes(database.bytes);
  EXPECT_EQ(result.end, broken);
  EXPECT_EQ(result.transactions, 1u);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].fault, Fault::lost_tail);
  EXPECT_EQ(result.findings[0].position, broken);
}

// Wherever the pieces end in which the bytes are read.
TEST(Scan, FindsALostTransactionAtAnyDistance) {
  Database database;
  database.add(kFirst, {0});
  database.add(kFirst + 1, {1}, 30'000);
  const std::uint64_t lost = database.add(kFirst + 2, {2});
  database.add(kFirst + 3, {3});
  for (std::size_t distance = 4050; distance < 4250; ++distance) {
    // The noise does not move the transaction, which knows its place; the break comes nearer instead.
    std::string bytes = database.bytes.substr(0, database.bytes.size() - 20);
    const std::size_t from = static_cast<std::size_t>(lost) - distance;
    Database before;
    before.add(kFirst, {0},
               from - kMagicSize - kTransactionHeaderSize - 15 - kRecordHeaderSize - kTrailerSize);
    ASSERT_EQ(before.bytes.size(), from);
    bytes.replace(0, from, before.bytes);
    bytes.replace(from, 8, 8, '\x7f');
    bytes.replace(from + 8, 8, 8, '\x7f');
    const ScanResult result = scan_bytes(bytes);
    ASSERT_EQ(result.end, from);
    ASSERT_EQ(result.findings.size(), 1u) << distance;
    EXPECT_EQ(result.findings[0].fault, Fault::lost_tail);
  }
}

// A byte more moves all positions, so that no transaction knows where it is.
TEST(Scan, FindsALostTailThatWasDisplaced) {
  Database database;
  database.add(kFirst, {0});
  const std::uint64_t broken = database.add(kFirst + 1, {1});
  const std::uint64_t third = database.add(kFirst + 2, {2});
  database.bytes.insert(static_cast<std::size_t>(broken) + 8, "\x7f");  // before the length
  const ScanResult result = scan_bytes(database.bytes);
  EXPECT_EQ(result.end, broken);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].fault, Fault::lost_tail);

  // One that was never finished is no loss.
  std::string voted = database.bytes;
  voted[static_cast<std::size_t>(third) + 1 + 16] = 'c';
  EXPECT_TRUE(scan_bytes(voted).findings.empty());
}

TEST(Scan, TakesAStoredDatabaseInATornTailForData) {
  Database inner;
  inner.add(kFirst, {0, 1});
  inner.add(kFirst + 1, {1});
  Database outer;
  outer.add(kFirst, {0});
  const std::uint64_t torn = outer.builder.end();
  outer.builder.begin(kFirst + 1);
  outer.builder.record(1, "an upload: " + inner.bytes + " and more that is lost");
  outer.builder.finish();
  outer.bytes.resize(outer.bytes.size() - 20);
  const ScanResult result = scan_bytes(outer.bytes);
  EXPECT_EQ(result.end, torn);
  EXPECT_EQ(result.tail, Tail::torn);
  EXPECT_TRUE(result.findings.empty());
}

TEST(Scan, DoesNotDecodeWhatZodbOnPython3Cannot) {
  for (const std::string_view magic : {kMagicFs21, kMagicFs30}) {
    std::string bytes;
    FileBuilder builder([&](std::string_view part) { bytes += part; }, magic);
    builder.begin(kFirst);
    builder.record(0, "x");
    builder.finish('\xe9');
    const ScanResult result = scan_bytes(bytes);
    ASSERT_EQ(result.findings.size(), 1u);
    EXPECT_EQ(result.findings[0].fault, Fault::bad_status);
    EXPECT_EQ(result.damaged(), magic == kMagicFs30);
    EXPECT_EQ(result.transactions, 1u);
  }
}

TEST(Scan, ReportsProgress) {
  Database database;
  for (Tid i = 0; i < 30; ++i) database.add(kFirst + i, {i}, 1000000);
  BytesFile file(database.bytes);
  ScanOptions options;
  std::uint64_t seen = 0;
  options.on_progress = [&](std::uint64_t done) { seen = done; };
  scan(file, options);
  EXPECT_GT(seen, database.bytes.size() / 2);
  EXPECT_LE(seen, database.bytes.size());
}

}  // namespace
}  // namespace filestorage
