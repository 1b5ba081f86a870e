#include "backup/erase.h"

#include <gtest/gtest.h>

#include "backup/restore.h"
#include "backup/restore_state.h"
#include "io/hooked_env.h"
#include "support/blob_scene.h"
#include "support/errors.h"
#include "support/scene.h"
#include "upgrade/data_folder.h"

namespace backup {
namespace {

using support::in_data;

class EraseTest : public testing::Test {
 protected:
  EraseTest() : machine_(mem_) {
    school_.commit({1, 2});
    school_.put(mem_);
  }
  io::MemEnv mem_;
  support::Machine machine_;
  support::BlobSchool school_;
  upgrade::Instance instance_ = support::blob_instance();
};

TEST_F(EraseTest, MovesDatabaseAndBlobsAside) {
  mem_.put_file(in_data("Data.fs.index"), "old");
  const EraseReport report = erase(mem_, instance_, BlobFolderIs::its_own);
  EXPECT_FALSE(mem_.content(in_data("Data.fs")));
  EXPECT_FALSE(mem_.content(in_data("Data.fs.index")));
  EXPECT_FALSE(mem_.status(support::kBlobDir));
  EXPECT_BYTES(mem_.content(report.database), school_.database());
  EXPECT_EQ(support::blobs_in(mem_, report.blobs), school_.blobs());
}

TEST_F(EraseTest, RestoreUndoBringsBothBack) {
  erase(mem_, instance_, BlobFolderIs::its_own);
  restore(mem_, instance_, plan_undo(mem_, instance_), {});
  EXPECT_BYTES(mem_.content(in_data("Data.fs")), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
}

TEST_F(EraseTest, AnOpenUpgradeDoesNotBringItBack) {
  support::begin(mem_, instance_);
  erase(mem_, instance_, BlobFolderIs::its_own);
  machine_.packages["schooltool"] = "installed";
  support::check_as(mem_, upgrade::Caller::dpkg_done, instance_);
  support::check_as(mem_, upgrade::Caller::service_start, instance_);
  EXPECT_FALSE(mem_.content(in_data("Data.fs")));
}

TEST_F(EraseTest, StopsTheServerAndStartsItAgain) {
  machine_.start_server();
  const EraseReport report = erase(mem_, instance_, BlobFolderIs::its_own);
  EXPECT_TRUE(report.started);
  EXPECT_FALSE(machine_.commands.empty());
}

TEST_F(EraseTest, NoServerCanOpenTheDatabaseMeanwhile) {
  machine_.start_server();
  unsigned looks = 0;
  const auto watched = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "rename" && operation.path == in_data("Data.fs")) {
      ++looks;
      EXPECT_TRUE(upgrade::DataFolder(mem_, instance_).server_is_running());  // the lock is held
    }
    return io::no_limit;
  });
  erase(*watched, instance_, BlobFolderIs::its_own);
  EXPECT_EQ(looks, 1u);
}

TEST_F(EraseTest, AServerThatDoesNotStopIsLeftAlone) {
  machine_.start_server();
  machine_.stops = false;
  EXPECT_TRUE(
      support::fails_with(base::ErrorKind::busy, [&] { erase(mem_, instance_, BlobFolderIs::its_own); }));
  EXPECT_BYTES(mem_.content(in_data("Data.fs")), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
}

TEST_F(EraseTest, WhatIsGoneAlreadyDoesNotKeepTheRestFromGoing) {
  mem_.remove_all(in_data("Data.fs"));
  const EraseReport report = erase(mem_, instance_, BlobFolderIs::its_own);
  EXPECT_TRUE(report.database.empty());
  EXPECT_FALSE(mem_.status(support::kBlobDir));
  EXPECT_TRUE(support::fails_with(base::ErrorKind::not_found,
                                  [&] { erase(mem_, instance_, BlobFolderIs::its_own); }));
}

TEST_F(EraseTest, ABlobFolderThatIsMountedStays) {
  const auto mounted = io::make_hooked_env(mem_, [](const io::Operation& operation) {
    if (operation.name == "rename" && operation.path == support::kBlobDir)
      throw base::Error::from_errno("rename", operation.path, EBUSY);
    return io::no_limit;
  });
  machine_.start_server();
  const EraseReport report = erase(*mounted, instance_, BlobFolderIs::its_own);
  EXPECT_TRUE(report.blobs_stay);
  EXPECT_TRUE(report.started);
  EXPECT_EQ(report.blobs, "");
  EXPECT_BYTES(mem_.content(report.database), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
  machine_.stop_server();
  restore(*mounted, instance_, plan_undo(*mounted, instance_), {});
  EXPECT_BYTES(mem_.content(in_data("Data.fs")), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
}

TEST_F(EraseTest, ABlobFolderThatIsSharedStays) {
  EXPECT_TRUE(plan_erase(mem_, instance_, BlobFolderIs::shared).blobs_stay);
  const EraseReport report = erase(mem_, instance_, BlobFolderIs::shared);
  EXPECT_TRUE(report.blobs_stay);
  EXPECT_EQ(report.blobs, "");
  EXPECT_BYTES(mem_.content(report.database), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
  restore(mem_, instance_, plan_undo(mem_, instance_), {});
  EXPECT_BYTES(mem_.content(in_data("Data.fs")), school_.database());
}

TEST_F(EraseTest, ABlobFolderThatIsALinkIsRefusedBeforeAnythingIsMoved) {
  mem_.remove_all(support::kBlobDir);
  mem_.put_symlink(support::kBlobDir, "/srv/blobs");
  const auto refused = [&](const std::function<void()>& act) {
    return support::fails_with(base::ErrorKind::unsafe_path, act, "is a link");
  };
  EXPECT_TRUE(refused([&] { plan_erase(mem_, instance_, BlobFolderIs::its_own); }));
  EXPECT_TRUE(refused([&] { erase(mem_, instance_, BlobFolderIs::its_own); }));
  EXPECT_BYTES(mem_.content(in_data("Data.fs")), school_.database());
}

TEST_F(EraseTest, SoIsADatabaseThatIsALink) {
  mem_.remove_all(in_data("Data.fs"));
  mem_.put_symlink(in_data("Data.fs"), "/srv/Data.fs");
  EXPECT_TRUE(support::fails_with(base::ErrorKind::unsafe_path,
                                  [&] { erase(mem_, instance_, BlobFolderIs::its_own); }));
  EXPECT_TRUE(mem_.status(in_data("Data.fs")));
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
}

// What an earlier restore had moved aside is not what an undo of the erasure needs.
TEST_F(EraseTest, UndoIsOfTheErasureAlone) {
  const auto state = upgrade::open_state(mem_, "standard");
  RestoreState earlier;
  earlier.kept = "Data.fs.replaced-20260101T000000Z";
  earlier.kept_blobs = std::string(support::kBlobDir) + ".replaced-20260101T000000Z";
  save_restore_state(*state, earlier, mem_);
  mem_.remove_all(support::kBlobDir);
  const EraseReport report = erase(mem_, instance_, BlobFolderIs::its_own);
  const RestoreState kept = *load_restore_state(*state);
  EXPECT_EQ(in_data(kept.kept), report.database);
  EXPECT_EQ(kept.kept_blobs, "");
}

TEST_F(EraseTest, ThePlanTellsWhatIsThere) {
  const ErasePlan plan = plan_erase(mem_, instance_, BlobFolderIs::its_own);
  EXPECT_TRUE(plan.has_database);
  EXPECT_TRUE(plan.has_blobs);
  EXPECT_EQ(plan.size, school_.database().size());
  EXPECT_EQ(plan.transactions, 2u);
}

}  // namespace
}  // namespace backup
