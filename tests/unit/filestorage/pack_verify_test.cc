// A packed file that is not as it should be does not take the place of the old one.
#include "filestorage/pack_verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "filestorage/pack_copy.h"
#include "filestorage/scan.h"
#include "support/bytes_file.h"
#include "support/errors.h"
#include "support/file_builder.h"
#include "support/fixture.h"

namespace filestorage {
namespace {

using base::ErrorKind;
using support::BytesFile;
using support::fails_with;

class PackVerify : public testing::Test {
 protected:
  PackVerify() {
    ScanOptions options;
    options.positions = &index;
    scan(packed, options);
  }
  auto looked_over() {
    return [this] { verify_packed(packed, packed.content.size(), index, PackFlaws::mended, 1); };
  }

  BytesFile packed{support::read_fixture("packs/fs30-school.end.gc.fs")};
  Index index;
};

TEST_F(PackVerify, TakesWhatIsRight) {
  EXPECT_NO_THROW(looked_over()());
}

TEST_F(PackVerify, RefusesAWrongMissingOrExtraEntryOfTheIndex) {
  const std::uint64_t root = index.get(0);
  index.set(0, root + 1);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, looked_over(), "index"));
  index.erase(0);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, looked_over(), "index"));
  index.set(0, root);
  index.set(1'000'000, 4);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, looked_over(), "index"));
}

TEST_F(PackVerify, RefusesDamage) {
  packed.content[packed.content.size() / 2] =
      static_cast<char>(packed.content[packed.content.size() / 2] + 1);
  packed.content[4 + 8] = 1;  // the length of the first transaction
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, looked_over()));
}

TEST_F(PackVerify, RefusesAFileThatEndsElsewhere) {
  const std::uint64_t size = packed.content.size();
  packed.content += "more";
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { verify_packed(packed, size, index, PackFlaws::mended, 1); }, "ends at"));
  packed.content.resize(size - 1);
  EXPECT_TRUE(
      fails_with(ErrorKind::corrupt, [&] { verify_packed(packed, size, index, PackFlaws::mended, 1); }));
}

// Large enough to be looked over in two parts. Object 0 has a record in the first part and one in the second;
// the others have one.
class PackVerifyInTwoParts : public testing::Test {
 protected:
  PackVerifyInTwoParts() {
    support::FileBuilder builder([this](std::string_view piece) { packed.content += piece; });
    const std::string data(2000, 'x');
    for (Oid oid = 0; oid < 10'000; ++oid) {
      builder.begin(0x0398f82b40865944 + oid);
      builder.record(oid, data);
      if (oid == 9'000) builder.record(0, data);
      builder.finish();
    }
    builder.positions().for_each([this](Oid oid, std::uint64_t at) { index.set(oid, at); });
  }
  auto looked_over(unsigned threads) {
    return
        [this, threads] { verify_packed(packed, packed.content.size(), index, PackFlaws::mended, threads); };
  }
  void expect_refused(const char* why) {
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, looked_over(1), why));
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, looked_over(2), why));
  }
  char& byte(std::uint64_t at) { return packed.content[static_cast<std::size_t>(at)]; }

  BytesFile packed;
  Index index;
};

TEST_F(PackVerifyInTwoParts, TakesWhatIsRight) {
  EXPECT_NO_THROW(looked_over(1)());
  EXPECT_NO_THROW(looked_over(2)());
}

TEST_F(PackVerifyInTwoParts, RefusesAnEntryThatLeadsToAnOlderRecordInTheFirstPart) {
  const std::uint64_t first = kMagicSize + kTransactionHeaderSize;
  ASSERT_GT(index.get(0), packed.content.size() / 2);
  index.set(0, first);
  expect_refused("index");
}

TEST_F(PackVerifyInTwoParts, RefusesAWrongEntryInEitherPart) {
  for (const Oid oid : {Oid{10}, Oid{9'990}}) {
    const std::uint64_t right = index.get(oid);
    index.set(oid, right + 1);
    expect_refused("index");
    index.set(oid, right);
  }
}

TEST_F(PackVerifyInTwoParts, RefusesDamageInEitherPartAndInTheMiddle) {
  std::uint64_t middle = 0;
  index.for_each([&](Oid, std::uint64_t at) {
    if (at <= packed.content.size() / 2) middle = std::max(middle, at);
  });
  for (const std::uint64_t record : {index.get(10), middle, index.get(9'990)}) {
    byte(record + 31) ^= 1;  // its transaction's place
    expect_refused("the new file");
    byte(record + 31) ^= 1;
    byte(record - kTransactionHeaderSize + 8) = 1;  // the transaction's length
    expect_refused("the new file");
    byte(record - kTransactionHeaderSize + 8) = 0;
  }
}

TEST_F(PackVerifyInTwoParts, DoesNotBelieveAPlaceThatIsNoTransaction) {
  std::uint64_t middle = 0;
  index.for_each([&](Oid, std::uint64_t at) {
    if (at <= packed.content.size() / 2) middle = std::max(middle, at);
  });
  byte(middle + 30) ^= 1;  // 256 bytes away, inside of another transaction
  expect_refused("the new file");
}

TEST(PackVerifyReferences, RefuseAnObjectThatIsNeededAndMissing) {
  BytesFile source(support::read_fixture("fs/fs30-school/Data.fs"));
  PackOptions options;
  options.stop = ~Tid{0};
  Selection selection = select_records(source, source.content.size(), options);
  BytesFile target;
  PackOutput output(&target);
  copy_packed(source, selection, output, {}, {});
  output.flush();
  EXPECT_NO_THROW(verify_references(target, selection));
  Index& index = selection.graph.objects;
  Oid last = 0;
  index.for_each([&last](Oid oid, std::uint64_t) { last = oid; });
  index.erase(last);
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { verify_references(target, selection); }, "missing"));
}

}  // namespace
}  // namespace filestorage
