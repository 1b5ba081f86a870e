// Real databases (tests/data/fs): what the scan counts, and the index, byte for byte, must be what ZODB
// found.
#include <gtest/gtest.h>

#include <string>

#include "filestorage/index_file.h"
#include "filestorage/scan.h"
#include "support/bytes_file.h"
#include "support/fixture.h"
#include "support/index_text.h"

namespace filestorage {
namespace {

using support::BytesFile;

IndexDialect dialect_of(const std::string& folder) {
  return folder.find("fs21-310") == std::string::npos ? IndexDialect::protocol3 : IndexDialect::protocol1;
}
IndexStrings strings_of(const std::string& folder) {
  return folder.find("fs30") == std::string::npos ? IndexStrings::python2 : IndexStrings::python3;
}

std::uint64_t count(const nlohmann::json& statuses, const char* status) {
  return statuses.value(status, std::uint64_t{0});
}

TEST(Fixtures, AreAllThere) {
  EXPECT_EQ(support::fixture_folders("fs").size(), 47u);
}

TEST(Fixtures, AreCountedAsZodbCountsThem) {
  for (const std::string& folder : support::fixture_folders("fs")) {
    SCOPED_TRACE(folder);
    const nlohmann::json expected = support::read_expected(folder);
    const nlohmann::json& facts = expected["database"];
    BytesFile file(support::read_fixture(folder + "/Data.fs"));
    Index positions;
    ScanOptions options;
    options.positions = &positions;
    const ScanResult result = scan(file, options);

    EXPECT_EQ(result.magic, facts["magic"] == "FS30" ? Magic::fs30 : Magic::fs21);
    EXPECT_EQ(result.size, facts["size"]);
    EXPECT_EQ(result.end, facts["size"]);
    EXPECT_EQ(result.tail, Tail::clean);
    EXPECT_EQ(result.transactions, facts["transactions"]);
    EXPECT_EQ(result.packed, count(facts["statuses"], "p"));
    EXPECT_EQ(result.undone, count(facts["statuses"], "u"));
    EXPECT_EQ(base::to_hex(result.first_tid), facts["first_tid"]);
    EXPECT_EQ(base::to_hex(result.last_tid), facts["last_tid"]);
    EXPECT_EQ(result.back_pointers, facts["records_with_back_pointer"]);
    EXPECT_EQ(result.deletions, facts["records_with_zero_back_pointer"]);
    EXPECT_FALSE(result.damaged());
    EXPECT_EQ(find_end(file, file.content.size()), facts["size"]);

    // What counts for ZODB: without records of status 'u', which the other facts include.
    EXPECT_EQ(positions.size(), expected["object_counts"]["index_entries"]);
    EXPECT_EQ(result.objects, positions.size());
    EXPECT_EQ(base::to_hex(result.last_tid), expected["object_counts"]["last_transaction"]);
    if (result.undone == 0) {
      EXPECT_EQ(result.records, facts["data_records"]);
      EXPECT_EQ(base::to_hex(result.max_oid), facts["max_oid"]);
      EXPECT_EQ(positions.size(), facts["index_entries"]);
      EXPECT_EQ(support::md5_hex(support::index_text(positions)), facts["index_md5"]);
      EXPECT_EQ(result.deleted_objects, facts["undone_creation_oids"].size());
      EXPECT_TRUE(result.findings.empty());
    } else {
      EXPECT_LT(result.records, facts["data_records"]);
    }
  }
}

TEST(Fixtures, HaveTheIndexThatZodbSaved) {
  for (const std::string& folder : support::fixture_folders("fs")) {
    SCOPED_TRACE(folder);
    BytesFile file(support::read_fixture(folder + "/Data.fs"));
    Index positions;
    ScanOptions options;
    options.positions = &positions;
    const ScanResult result = scan(file, options);
    if (result.undone != 0) continue;  // status 'u' was set by hand, after ZODB had saved the index
    BytesFile written;
    const std::uint64_t size =
        write_index(written, positions, result.end, dialect_of(folder), strings_of(folder));
    const std::string saved = support::read_fixture(folder + "/Data.fs.index");
    EXPECT_EQ(size, saved.size());
    EXPECT_TRUE(written.content == saved) << "the bytes differ";

    BytesFile index_file(saved);
    std::string why;
    const auto loaded = read_index(index_file, why);
    ASSERT_TRUE(loaded) << why;
    EXPECT_EQ(loaded->position, result.end);
    EXPECT_EQ(support::index_text(loaded->positions), support::index_text(positions));
    EXPECT_TRUE(index_is_believable(file, file.content.size(), *loaded, why)) << why;
  }
}

TEST(Fixtures, HaveTheTidOfEachObjectsNewestRecord) {
  for (const std::string& folder : support::fixture_folders("fs")) {
    SCOPED_TRACE(folder);
    BytesFile file(support::read_fixture(folder + "/Data.fs"));
    Index positions, tids;
    ScanOptions options;
    options.positions = &positions;
    options.tids = &tids;
    scan(file, options);
    EXPECT_EQ(tids.size(), positions.size());
    positions.for_each([&](Oid oid, std::uint64_t position) {
      const auto record = base::as_bytes(file.content).subspan(static_cast<std::size_t>(position));
      EXPECT_EQ(tids.get(oid), base::load_be<std::uint64_t>(record.data() + 8));
    });
  }
}

}  // namespace
}  // namespace filestorage
