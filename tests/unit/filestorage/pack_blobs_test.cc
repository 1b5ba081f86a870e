// Blob folders after a pack, file by file, as the real programs left them; and what an interrupted pack
// leaves.
#include "filestorage/pack_blobs.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/error.h"
#include "filestorage/pack.h"
#include "support/file_builder.h"
#include "support/fixture.h"
#include "support/pack_case.h"

namespace filestorage {
namespace {

const std::string kBlobs = "/data/blobs";

using Lines = std::set<std::string>;

Lines paths_of(const Lines& lines) {
  Lines paths;
  for (const std::string& line : lines) paths.insert(line.substr(0, line.find(' ')));
  return paths;
}

enum class Old { kept, dropped };

void expect_packs(Old old) {
  unsigned cases = 0;
  for (const std::string& folder : support::fixture_folders("fs")) {
    if (folder.find("blobs") == std::string::npos) continue;
    const nlohmann::json expected = support::read_expected(folder);
    for (const nlohmann::json& one : expected["packs"]) {
      const nlohmann::json& step = one["steps"].back();
      if (one["steps"].size() != 1 || !step["data_replaced"]) continue;
      SCOPED_TRACE(folder + " " + one["name"].get<std::string>());
      io::MemEnv mem;
      support::put_database(mem, folder);
      support::put_blobs(mem, folder);
      const std::string before = *mem.content("/data/Data.fs");
      mem.put_file("/data/Data.fs.old", "of an earlier pack");
      mem.put_file("/data/blobs.old/0x01/0x02.blob", "of an earlier pack");
      PackRequest request = support::request_of(step);
      request.blobs = kBlobs;
      request.keep_old = old == Old::kept;
      const PackReport report = pack(mem, support::kPackDir, "Data.fs", request);
      EXPECT_EQ(report.outcome, PackOutcome::packed);
      EXPECT_EQ(support::md5_hex(*mem.content("/data/Data.fs")), step["md5"]);
      const Lines wanted = support::expected_lines(one["blobs_after"]);
      if (old == Old::kept) {
        EXPECT_EQ(support::folder_lines(mem, kBlobs), wanted);
        EXPECT_EQ(support::folder_lines(mem, kBlobs + ".old"),
                  support::expected_lines(one["blobs_old_after"]));
        EXPECT_EQ(mem.content("/data/Data.fs.old"), before);
      } else {
        EXPECT_EQ(paths_of(support::folder_lines(mem, kBlobs)), paths_of(wanted));
        EXPECT_EQ(mem.content("/data/Data.fs.old"), "of an earlier pack");
        EXPECT_EQ(mem.content("/data/blobs.old/0x01/0x02.blob"), "of an earlier pack");
      }
      ++cases;
    }
  }
  EXPECT_GE(cases, 20u);
}

TEST(PackBlobs, GoAsZodbRemovesThem) {
  expect_packs(Old::dropped);
}
TEST(PackBlobs, MoveToTheOldFolderAsZodbMovesThem) {
  expect_packs(Old::kept);
}

// ---- revisions that a transaction holds twice, as a server of old wrote them

enum class Undone { no, later };

// The root and a blob, which is stored twice, again later, and perhaps put back to its first state after the
// pack time. Returns that time.
Tid put_twice(io::MemEnv& mem, Undone undone) {
  const std::string root = "cschool\nRoot\n.(C\x08" + std::string("\0\0\0\0\0\0\0\1", 8) + "Qt.";
  const std::string blob = "cZODB.blob\nBlob\n.N.";
  std::string bytes;
  support::FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; });
  const auto file = [&](Tid tid) {
    mem.put_file(kBlobs + "/" + blob_path(BlobLayout::bushy, {tid, 1}), "content", support::kPackOwner, 0444);
  };
  builder.begin(1000);
  builder.record(0, root);
  builder.record(1, blob);
  const std::uint64_t first = builder.record(1, blob);
  builder.finish();
  file(1000);
  builder.begin(2000);
  builder.record(1, blob);
  builder.finish();
  file(2000);
  if (undone == Undone::later) {
    builder.begin(3000);
    builder.back_pointer(1, first);
    builder.finish();
    file(3000);
  }
  mem.put_file(kBlobs + "/.layout", "bushy", support::kPackOwner, 0644);
  mem.put_file("/data/Data.fs", bytes, support::kPackOwner, 0640);
  return 2000;
}

TEST(PackBlobs, OfARevisionThatIsThereTwiceGoWithBothAndAreCountedOnce) {
  io::MemEnv mem;
  PackRequest request;
  request.options.stop = put_twice(mem, Undone::no);
  request.blobs = kBlobs;
  const PackPlan plan = plan_pack(mem, "/data", "Data.fs", request);
  EXPECT_EQ(plan.counts.records_dropped, 2u);
  EXPECT_EQ(plan.blobs, 1u);
  EXPECT_EQ(plan.blob_bytes, 7u);
  EXPECT_EQ(pack(mem, "/data", "Data.fs", request).blobs_removed, 1u);
  EXPECT_FALSE(mem.content(kBlobs + "/" + blob_path(BlobLayout::bushy, {1000, 1})));
}

TEST(PackBlobs, OfARevisionOfWhichOneRecordIsKeptForAnUndoStay) {
  io::MemEnv mem;
  PackRequest request;
  request.options.stop = put_twice(mem, Undone::later);
  request.blobs = kBlobs;
  const PackPlan plan = plan_pack(mem, "/data", "Data.fs", request);
  EXPECT_EQ(plan.counts.records_dropped, 1u);
  EXPECT_EQ(plan.blobs, 0u);
  EXPECT_EQ(pack(mem, "/data", "Data.fs", request).blobs_removed, 0u);
  EXPECT_TRUE(mem.content(kBlobs + "/" + blob_path(BlobLayout::bushy, {1000, 1})));
}

// ---- journals

struct Scene {
  io::MemEnv mem;
  std::unique_ptr<io::Dir> dir;
  std::unique_ptr<io::File> data;
  Scene() {
    support::put_database(mem, "fs/fs30-blobs-bushy");
    support::put_blobs(mem, "fs/fs30-blobs-bushy");
    dir = mem.open_dir("/data", io::Links::refuse);
    data = dir->open_file("Data.fs", io::Access::read);
  }
  std::string path_of(const BlobKey& key) const { return kBlobs + "/" + blob_path(BlobLayout::bushy, key); }
};

constexpr BlobKey kRevision{0x0398f868121ff2dd, 0x42}, kOther{0x0398f8aaa62d9a22, 0x42};
constexpr BlobKey kAlone{0x0398f869a62d9a22, 0x46};

TEST(PackBlobs, OfAPackThatWentThroughAreFinishedByTheNextRun) {
  Scene scene;
  Index index;
  // The packed file is the one that is there, as after the rename.
  PackBlobs(scene.mem, kBlobs, *scene.data)
      .prepare({{kRevision, false}, {kAlone, true}}, index, *scene.data, false);
  EXPECT_TRUE(scene.mem.content(scene.path_of(kRevision)));
  const PackBlobs next(scene.mem, kBlobs, *scene.data);
  EXPECT_EQ(next.removed(), 2u);
  EXPECT_FALSE(scene.mem.content(scene.path_of(kRevision)));
  EXPECT_TRUE(scene.mem.content(scene.path_of(kOther)));
  EXPECT_FALSE(scene.mem.status(kBlobs + "/0x00/0x00/0x00/0x00/0x00/0x00/0x00/0x46"));
  EXPECT_FALSE(scene.mem.status(kBlobs + "/.removed"));
}

TEST(PackBlobs, OfAPackThatWentThroughAreFinishedAlsoWhenTheDatabaseHasGrown) {
  Scene scene;
  PackBlobs(scene.mem, kBlobs, *scene.data).prepare({{kRevision, false}}, Index(), *scene.data, false);
  scene.mem.put_file("/data/Data.fs", *scene.mem.content("/data/Data.fs") + "more");
  EXPECT_EQ(PackBlobs(scene.mem, kBlobs, *scene.data).removed(), 1u);
}

TEST(PackBlobs, OfAPackThatNeverWentThroughStay) {
  Scene scene;
  const Lines before = support::folder_lines(scene.mem, kBlobs);
  scene.mem.put_file("/data/packed", "a packed file that was never renamed");
  const auto packed = scene.dir->open_file("packed", io::Access::read);
  PackBlobs(scene.mem, kBlobs, *scene.data)
      .prepare({{kRevision, false}, {kAlone, true}}, Index(), *packed, true);
  EXPECT_EQ(PackBlobs(scene.mem, kBlobs, *scene.data).removed(), 0u);
  EXPECT_EQ(support::folder_lines(scene.mem, kBlobs), before);
  EXPECT_EQ(scene.mem.list("/data").size(), 4u);  // Data.fs, its index, packed, blobs
}

TEST(PackBlobs, AreNotRemovedByAListThatZodbLeft) {
  Scene scene;
  scene.mem.put_file(kBlobs + "/.removed", "0000000000000042\n");
  EXPECT_EQ(PackBlobs(scene.mem, kBlobs, *scene.data).removed(), 0u);
  EXPECT_TRUE(scene.mem.content(scene.path_of(kRevision)));
  EXPECT_EQ(scene.mem.content(kBlobs + "/.removed"), "0000000000000042\n");
}

// An object that nothing led to at the pack time, and that was written again later: ZODB's list would name
// the whole folder.
TEST(PackBlobs, OfObjectsThatWereWrittenLaterStay) {
  Scene scene;
  Index index;
  index.set(0x42, 1000);
  PackBlobs blobs(scene.mem, kBlobs, *scene.data);
  blobs.prepare({{kRevision, true}}, index, *scene.data, false);
  blobs.finish();
  EXPECT_EQ(blobs.removed(), 1u);
  EXPECT_FALSE(scene.mem.content(scene.path_of(kRevision)));
  EXPECT_TRUE(scene.mem.content(scene.path_of(kOther)));
}

TEST(PackBlobs, BehindALinkAreRefused) {
  Scene scene;
  scene.mem.put_dir("/elsewhere");
  scene.mem.put_symlink("/data/linked", "/elsewhere", {1000, 1000});
  EXPECT_THROW(PackBlobs(scene.mem, "/data/linked", *scene.data), base::Error);
}

}  // namespace
}  // namespace filestorage
