// Blob folders after a pack, file by file, as the real programs left them; and what an interrupted pack
// leaves.
#include "filestorage/pack_blobs.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/error.h"
#include "filestorage/pack.h"
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
