#include "upgrade/fingerprint.h"

#include <gtest/gtest.h>

#include "base/xxh128.h"
#include "support/bytes_file.h"
#include "support/fixture.h"
#include "support/fs_builder.h"

namespace upgrade {
namespace {

using support::BytesFile;
using support::school;

std::string digest_of(const std::string& bytes) {
  base::Xxh128 digest;
  digest.update(base::as_bytes(bytes));
  return digest.hex();
}

TEST(Fingerprint, AgreesWithWhatZodbSays) {
  for (const std::string name : {"fs/fs30-school", "fs/fs21-310-undo", "fs/fs21-58-school"}) {
    const auto expected = support::read_expected(name).at("database");
    const std::string content = support::read_fixture(name + "/Data.fs");
    BytesFile file(content);
    const auto print = fingerprint_of(scan_whole(file, content.size(), 0, nullptr, {}), file.status());
    EXPECT_EQ(print.size, expected.at("size")) << name;
    EXPECT_EQ(print.transactions, expected.at("transactions"));
    EXPECT_EQ(print.records, expected.at("data_records"));
    EXPECT_EQ(print.objects, expected.at("index_entries"));
    EXPECT_EQ(base::to_hex(print.first_tid), expected.at("first_tid"));
    EXPECT_EQ(base::to_hex(print.last_tid), expected.at("last_tid"));
    EXPECT_EQ(print.xxh128, digest_of(content));
  }
}

TEST(Fingerprint, TakesOwnerAndModeFromTheFile) {
  BytesFile file(school());
  io::FileStatus status = file.status();
  status.owner = {1, 2};
  status.mode = 0604;
  const auto print = fingerprint_of(scan_whole(file, status.size, 0, nullptr, {}), status);
  EXPECT_EQ(print.owner, (io::Owner{1, 2}));
  EXPECT_EQ(print.mode, 0604u);
}

TEST(Fingerprint, DigestsAPrefixOnTheWay) {
  BytesFile file(school(20));
  const auto scan = scan_whole(file, school(20).size(), school(10).size(), nullptr, {});
  ASSERT_EQ(scan.digests.size(), 2u);
  EXPECT_EQ(scan.digests[0], digest_of(school(10)));
  EXPECT_EQ(scan.digests[1], digest_of(school(20)));
  EXPECT_EQ(scan_whole(file, 1000, 1000, nullptr, {}).digests.size(), 1u);
  EXPECT_EQ(scan_whole(file, 1000, 0, nullptr, {}).digests.size(), 1u);
}

TEST(Fingerprint, TellsFirstAndLastTransactionInAFewReads) {
  BytesFile file(school(20));
  const auto history = support::school_history(20);
  EXPECT_EQ(first_tid(file), history.front().tid);
  EXPECT_EQ(last_tid(file, school(20).size()), history.back().tid);
  EXPECT_EQ(last_tid(file, school(7).size()), history[6].tid);
  EXPECT_LT(file.bytes_read, 100u);
  for (const std::string& text : {std::string(), std::string("FS30"), std::string(40, '\xff')}) {
    BytesFile odd(text);
    last_tid(odd, text.size());  // any bytes: an answer, no exception
    first_tid(odd);
  }
}

TEST(Fingerprint, SchoolOfOneRootObjectHoldsNothing) {
  const auto holds = [](const std::string& content) {
    BytesFile file(content);
    const auto scan = scan_whole(file, content.size(), 0, nullptr, {});
    EXPECT_EQ(holds_nothing(scan), holds_nothing(fingerprint_of(scan, file.status())));
    return !holds_nothing(scan);
  };
  EXPECT_FALSE(holds(""));
  EXPECT_FALSE(holds("FS30"));
  EXPECT_FALSE(holds(support::read_fixture("fs/fs30-fresh/Data.fs")));
  EXPECT_FALSE(holds(support::read_fixture("fs/fs21-310-fresh/Data.fs")));
  EXPECT_TRUE(holds(support::read_fixture("fs/fs30-bootstrap/Data.fs")));
  EXPECT_TRUE(holds(support::bootstrap()));
}

TEST(Fingerprint, OnlyZerosLooksAtEveryByte) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{262144}, std::size_t{600'000}}) {
    BytesFile zeros(std::string(size, '\0'));
    EXPECT_TRUE(only_zeros(zeros, 0));
    if (size == 0) continue;
    zeros.content.back() = 1;
    EXPECT_FALSE(only_zeros(zeros, 0));
    EXPECT_TRUE(only_zeros(zeros, size));
  }
}

TEST(Fingerprint, CommonPrefixIsFoundAcrossPieces) {
  const std::string bytes(700'000, 'x');
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{1}, std::size_t{262143}, std::size_t{262144}, std::size_t{699'999}}) {
    std::string other = bytes;
    other[at] = 'y';
    BytesFile one(bytes), two(other);
    EXPECT_EQ(common_prefix(one, two, bytes.size()), at);
    EXPECT_EQ(common_prefix(one, two, at / 2), at / 2);
    BytesFile shorter(bytes.substr(0, at));
    EXPECT_EQ(common_prefix(one, shorter, bytes.size()), at);
    shorter.largest_read = 1000;
    EXPECT_EQ(common_prefix(shorter, one, bytes.size()), at);
  }
}

}  // namespace
}  // namespace upgrade
