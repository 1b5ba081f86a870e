#include "filestorage/blob_record.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "support/bytes_file.h"
#include "support/errors.h"
#include "support/file_builder.h"
#include "support/fixture.h"
#include "support/tar.h"

namespace filestorage {
namespace {

using namespace std::string_view_literals;
using support::BytesFile;
using support::FileBuilder;

constexpr std::string_view kBlob =
    "\x80\x03"
    "cZODB.blob\nBlob\nq\0.\x80\x03N."sv;

bool is_blob(std::string_view data) {
  return is_blob_class(base::as_bytes(data));
}

TEST(BlobRecord, IsTheClassInEveryFormAPicklerWritesIt) {
  for (const std::string_view data : {"cZODB.blob\nBlob\n.N."sv, "cZODB.blob\nBlob\nq\x01.N."sv,
                                      "cZODB.blob\nBlob\np12\n.N."sv, "cZODB.blob\nBlob\nr\0\0\0\1.N."sv,
                                      "\x80\x02"
                                      "cZODB.blob\nBlob\nq\x01."sv,
                                      kBlob,
                                      "\x80\x04\x95\x17\0\0\0\0\0\0\0\x8c\x09ZODB.blob\x94\x8c\x04"
                                      "Blob\x94\x93\x94.N."sv,
                                      "X\x09\0\0\0ZODB.blobq\0X\x04\0\0\0Blobq\1\x93."sv,
                                      "U\x09ZODB.blobU\x04"
                                      "Blob\x93."sv}) {
    EXPECT_TRUE(is_blob(data)) << base::to_hex(base::as_bytes(data));
  }
}

TEST(BlobRecord, IsNothingElse) {
  for (const std::string_view data :
       {""sv, "."sv, "N."sv, "cZODB.blob\nBlob\n"sv, "cZODB.blob\nBlob\nq"sv, "cZODB.blob\nBlobs\n."sv,
        "cZODB.blob\nBlobFile\nq\1."sv, "cZODB.blobs\nBlob\nq\1."sv, "xcZODB.blob\nBlob\n."sv,
        "cZODB.blob\nBlob\nq\1Nt."sv, "(cZODB.blob\nBlob\nq\1Nt."sv, "cZODB.blob\nBlob\np\n."sv,
        "cZODB.blob\nBlob\np12"sv, "\x80"sv, "\x95"sv,
        "\x8c\x09ZODB.blob\x94\x8c\x04"
        "Blob\x94."sv,
        "X\x09\0\0\1ZODB.blobX\x04\0\0\0Blob\x93."sv}) {
    EXPECT_FALSE(is_blob(data)) << base::to_hex(base::as_bytes(data));
  }
}

class BlobFixture : public testing::TestWithParam<const char*> {};

TEST_P(BlobFixture, RecordsAreTheFilesThatZodbMade) {
  const std::string folder = std::string("fs/") + GetParam();
  std::set<std::string> files;
  for (const auto& [path, content] : support::untar(support::read_fixture(folder + "/blobs.tar"))) {
    if (path.ends_with(".blob")) files.insert(path);
  }
  BytesFile file(support::read_fixture(folder + "/Data.fs"));
  std::set<std::string> records;
  Tid before = 0;
  for_each_blob_record(file, 4, file.content.size(), [&](const BlobKey& key, std::uint64_t position) {
    records.insert("blobs/" + blob_path(BlobLayout::bushy, key));
    EXPECT_GE(key.tid, before);
    before = key.tid;
    const RecordHeader record =
        load_record_header(reinterpret_cast<const std::byte*>(file.content.data() + position));
    EXPECT_EQ((BlobKey{record.tid, record.oid}), key);
    EXPECT_TRUE(is_blob_record(file, position, record));
  });
  EXPECT_GT(records.size(), 5u);
  EXPECT_EQ(records, files);
}

INSTANTIATE_TEST_SUITE_P(All, BlobFixture,
                         testing::Values("fs21-310-blobs-bushy", "fs21-310-blobs-lawn", "fs21-58-blobs-bushy",
                                         "fs30-blobs-bushy", "fs30-blobs-lawn"));

// A blob, an ordinary object, an undo back to the blob's data, and the undo of its creation.
struct Undone {
  std::string bytes;
  FileBuilder builder{[this](std::string_view part) { bytes += part; }};
  std::uint64_t middle = 0;

  Undone() {
    builder.begin(10);
    const std::uint64_t blob = builder.record(1, kBlob);
    builder.record(2, "cpersistent\nThing\n.N.");
    builder.finish();
    middle = builder.end();
    builder.begin(11);
    const std::uint64_t again = builder.back_pointer(1, blob);
    builder.finish();
    builder.begin(12);
    builder.back_pointer(1, again);
    builder.finish('p');
    builder.begin(13);
    builder.back_pointer(1, 0);
    builder.finish();
    builder.begin(14);
    builder.record(3, kBlob);
    builder.finish('u');
  }
};

std::vector<Tid> tids_in(BytesFile& file, std::uint64_t from, std::uint64_t to) {
  std::vector<Tid> tids;
  for_each_blob_record(file, from, to, [&](const BlobKey& key, std::uint64_t) {
    EXPECT_EQ(key.oid, 1u);
    tids.push_back(key.tid);
  });
  return tids;
}

TEST(BlobRecord, AnUndoHasAFileOfItsOwnUnlessItUndoesTheCreation) {
  const Undone undone;
  BytesFile file(undone.bytes);
  EXPECT_EQ(tids_in(file, 4, file.content.size()), (std::vector<Tid>{10, 11, 12}));
  EXPECT_EQ(tids_in(file, undone.middle, file.content.size()), (std::vector<Tid>{11, 12}));
  EXPECT_EQ(tids_in(file, 4, undone.middle), (std::vector<Tid>{10}));
  EXPECT_EQ(tids_in(file, 0, 4), (std::vector<Tid>{}));
}

TEST(BlobRecord, ATransactionThatIsNotWholeIsAnError) {
  const Undone undone;
  for (std::uint64_t cut = undone.middle + 1; cut < undone.bytes.size(); ++cut) {
    BytesFile file(undone.bytes.substr(0, static_cast<std::size_t>(cut)));
    try {
      const auto tids = tids_in(file, 4, cut);
      EXPECT_EQ(tids.front(), 10u);  // the cut was at the end of a transaction
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
    }
  }
  BytesFile file(undone.bytes);
  EXPECT_TRUE(support::fails_with(base::ErrorKind::corrupt,
                                  [&] { tids_in(file, undone.middle + 1, file.content.size()); }));
  EXPECT_TRUE(
      support::fails_with(base::ErrorKind::corrupt, [&] { tids_in(file, 4, file.content.size() + 1); }));
}

TEST(BlobRecord, ARingOfBackPointersEnds) {
  std::string bytes;
  FileBuilder builder([&](std::string_view part) { bytes += part; });
  builder.begin(10);
  builder.back_pointer(1, builder.end() + kTransactionHeaderSize);  // itself
  builder.finish();
  BytesFile file(bytes);
  EXPECT_TRUE(tids_in(file, 4, file.content.size()).empty());
}

}  // namespace
}  // namespace filestorage
