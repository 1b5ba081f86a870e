// A packed file that is not as it should be does not take the place of the old one.
#include "filestorage/pack_verify.h"

#include <gtest/gtest.h>

#include <string>

#include "filestorage/pack_copy.h"
#include "filestorage/scan.h"
#include "support/bytes_file.h"
#include "support/errors.h"
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
    return [this] { verify_packed(packed, packed.content.size(), index); };
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
      ErrorKind::corrupt, [&] { verify_packed(packed, size, index); }, "ends at"));
  packed.content.resize(size - 1);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { verify_packed(packed, size, index); }));
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
