#include "upgrade/blob_folder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/fs_builder.h"
#include "support/scene.h"

namespace upgrade {
namespace {

using support::in_data;
using What = BlobsBack::What;

class BlobFolderTest : public ::testing::Test {
 protected:
  BlobFolderTest() {
    instance_.blob_dir = in_data("blobs");
    make("blobs", "the school's");
  }
  void make(const std::string& name, const std::string& content) {
    mem_.put_dir(in_data(name), support::kSchoolOwner, 0700);
    mem_.put_file(in_data(name + "/.layout"), content, support::kSchoolOwner, 0600);
  }
  void move(const std::string& from, const std::string& to) {
    const auto dir = mem_.open_dir(support::kDataDir, io::Links::refuse);
    dir->rename(from, *dir, to, io::Replace::no);
  }
  std::optional<std::string> content(const std::string& name) {
    return mem_.content(in_data(name + "/.layout"));
  }

  io::MemEnv mem_;
  support::Machine machine_{mem_};
  Instance instance_ = support::school_instance();
};

TEST_F(BlobFolderTest, IsNoneWithoutAFolder) {
  instance_.blob_dir = in_data("elsewhere");
  EXPECT_FALSE(find_blob_folder(mem_, instance_));
  instance_.blob_dir.clear();
  EXPECT_FALSE(find_blob_folder(mem_, instance_));
  instance_.blob_dir = in_data("blobs/.layout");
  EXPECT_FALSE(find_blob_folder(mem_, instance_));
}

TEST_F(BlobFolderTest, StaysWhereItIs) {
  const auto before = find_blob_folder(mem_, instance_).value();
  EXPECT_EQ(put_blobs_back(mem_, before, "blank").what, What::in_place);
  EXPECT_EQ(content("blobs"), "the school's");
}

TEST_F(BlobFolderTest, GetsItsNameBack) {
  const auto before = find_blob_folder(mem_, instance_).value();
  move("blobs", "blobs.dpkg-old");
  const BlobsBack back = put_blobs_back(mem_, before, "blank");
  EXPECT_EQ(back.what, What::put_back);
  EXPECT_EQ(back.from, in_data("blobs.dpkg-old"));
  EXPECT_EQ(back.displaced_to, "");
  EXPECT_EQ(content("blobs"), "the school's");
}

TEST_F(BlobFolderTest, TheOneOfTheBlankDatabaseIsKept) {
  const auto before = find_blob_folder(mem_, instance_).value();
  move("blobs", "blobs.2.10");
  make("blobs", "the blank one's");
  const BlobsBack back = put_blobs_back(mem_, before, "blank");
  EXPECT_EQ(back.what, What::put_back);
  EXPECT_EQ(back.displaced_to, in_data("blobs.blank-" + base::to_stamp(mem_.now())));
  EXPECT_EQ(content("blobs"), "the school's");
  EXPECT_EQ(content("blobs.blank-" + base::to_stamp(mem_.now())), "the blank one's");
  EXPECT_EQ(put_blobs_back(mem_, before, "blank").what, What::in_place);
}

TEST_F(BlobFolderTest, NeverTakesANameThatIsTaken) {
  const auto before = find_blob_folder(mem_, instance_).value();
  const std::string taken = "blobs.blank-" + base::to_stamp(mem_.now());
  move("blobs", "old");
  make("blobs", "the blank one's");
  make(taken, "of an earlier upgrade");
  EXPECT_EQ(put_blobs_back(mem_, before, "blank").what, What::put_back);
  EXPECT_EQ(content("blobs"), "the school's");
  EXPECT_EQ(content(taken), "of an earlier upgrade");
}

TEST_F(BlobFolderTest, TellsWhenItIsGone) {
  const auto before = find_blob_folder(mem_, instance_).value();
  make("blobs-2", "another's");
  mem_.remove_all(in_data("blobs"));
  make("blobs", "the blank one's");
  EXPECT_EQ(put_blobs_back(mem_, before, "blank").what, What::gone);
  EXPECT_EQ(content("blobs"), "the blank one's");
}

TEST_F(BlobFolderTest, ComesBackWithItsDatabase) {
  machine_.put("Data.fs", support::school(20));
  support::begin(mem_, instance_);
  machine_.put("Data.fs", support::bootstrap());
  move("blobs", "blobs.moved");
  make("blobs", "the blank one's");
  const CheckReport report = support::check_as(mem_, Caller::dpkg_done, instance_);
  EXPECT_EQ(report.action, CheckAction::rolled_back);
  EXPECT_EQ(content("blobs"), "the school's");
  EXPECT_NE(std::find(report.messages.begin(), report.messages.end(),
                      "its blob folder was put back from '/var/lib/schooltool/blobs.moved'"),
            report.messages.end());
}

TEST_F(BlobFolderTest, IsLeftAloneWithAHealthyDatabase) {
  machine_.put("Data.fs", support::school(20));
  support::begin(mem_, instance_);
  move("blobs", "blobs-of-2.10");
  EXPECT_EQ(support::check_as(mem_, Caller::dpkg_done, instance_).verdict, Verdict::unchanged);
  EXPECT_EQ(content("blobs-of-2.10"), "the school's");
  EXPECT_EQ(content("blobs"), std::nullopt);
}

}  // namespace
}  // namespace upgrade
