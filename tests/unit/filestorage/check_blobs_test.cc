#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "filestorage/check.h"
#include "io/mem_env.h"
#include "support/file_builder.h"

namespace filestorage {
namespace {

using Lines = std::vector<std::string>;

constexpr Tid kTid = 0x0398f82b40865944;
const std::string kBlob =
    "\x80\x03"
    "cZODB.blob\nBlob\nq\x01.\x80\x03N.";

// A root and the blob 1, stored twice in one transaction, as an old fault of ZEO left it.
std::string database() {
  std::string content;
  support::FileBuilder builder([&content](std::string_view bytes) { content += bytes; });
  builder.begin(kTid);
  builder.record(0, "cm\nn\n.N.");
  builder.record(1, kBlob);
  builder.record(1, kBlob);
  builder.finish();
  return content;
}

class CheckBlobs : public testing::Test {
 protected:
  CheckBlobs() {
    mem_.put_file("/d/Data.fs", database());
    mem_.put_file("/d/blobs/.layout", "lawn");
    mem_.put_dir("/d/blobs/tmp");
  }
  Lines told() {
    const auto dir = mem_.open_dir("/d", io::Links::refuse);
    const auto data = dir->open_file("Data.fs", io::Access::read);
    const auto blobs = dir->open_dir("blobs");
    CheckOptions options;
    options.blobs = blobs.get();
    Lines lines;
    check(*data, options, [&lines](const Problem& problem) {
      lines.push_back(to_string(problem.kind) + (" " + problem.text));
    });
    return lines;
  }

  io::MemEnv mem_;
};

const std::string kFile = "/d/blobs/0x01/0x0398f82b40865944.blob";
const std::string kMissing = "blob_missing the blob file '0x01/0x0398f82b40865944.blob' is missing";

TEST_F(CheckBlobs, HaveOneFileForEachRevision) {
  EXPECT_EQ(told(), Lines{kMissing});
  mem_.put_file(kFile, "blob");
  EXPECT_EQ(told(), Lines{});
}

TEST_F(CheckBlobs, ThatAreBeingWrittenAreNoFault) {
  mem_.put_file(kFile, "blob");
  mem_.put_file("/d/blobs/0x01/0x0398f82b40865945xyz.tmp", "");
  mem_.put_file("/d/blobs/0x01/abc.spb", "");
  mem_.put_file("/d/blobs/tmp/BUC123", "");
  mem_.put_file("/d/blobs/.removed", "");
  EXPECT_EQ(told(), Lines{});
}

TEST_F(CheckBlobs, AreNeitherLinksNorFolders) {
  mem_.put_file("/d/elsewhere", "blob");
  mem_.put_symlink(kFile, "/d/elsewhere");
  mem_.put_symlink("/d/blobs/0x02", "/d");
  EXPECT_EQ(told(), (Lines{"blob_name '0x01/0x0398f82b40865944.blob' in the blob folder: it is no plain file",
                           "blob_name '0x02' in the blob folder: it is no folder", kMissing}));
}

TEST_F(CheckBlobs, AreNotLookedForInAClientsCache) {
  mem_.put_file("/d/blobs/.layout", "zeocache");
  const Lines lines = told();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("'zeocache'"), std::string::npos) << lines[0];
}

}  // namespace
}  // namespace filestorage
