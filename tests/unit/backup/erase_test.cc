#include "backup/erase.h"

#include <gtest/gtest.h>

#include "backup/restore.h"
#include "support/blob_scene.h"
#include "support/errors.h"
#include "support/scene.h"

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
  const EraseReport report = erase(mem_, instance_);
  EXPECT_FALSE(mem_.content(in_data("Data.fs")));
  EXPECT_FALSE(mem_.content(in_data("Data.fs.index")));
  EXPECT_FALSE(mem_.status(support::kBlobDir));
  EXPECT_BYTES(mem_.content(report.database), school_.database());
  EXPECT_EQ(support::blobs_in(mem_, report.blobs), school_.blobs());
}

TEST_F(EraseTest, RestoreUndoBringsBothBack) {
  erase(mem_, instance_);
  restore(mem_, instance_, plan_undo(mem_, instance_), {});
  EXPECT_BYTES(mem_.content(in_data("Data.fs")), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
}

TEST_F(EraseTest, AnOpenUpgradeDoesNotBringItBack) {
  support::begin(mem_, instance_);
  erase(mem_, instance_);
  machine_.packages["schooltool"] = "installed";
  support::check_as(mem_, upgrade::Caller::dpkg_done, instance_);
  support::check_as(mem_, upgrade::Caller::service_start, instance_);
  EXPECT_FALSE(mem_.content(in_data("Data.fs")));
}

TEST_F(EraseTest, StopsTheServerAndStartsItAgain) {
  machine_.start_server();
  const EraseReport report = erase(mem_, instance_);
  EXPECT_TRUE(report.started);
  EXPECT_FALSE(machine_.commands.empty());
}

TEST_F(EraseTest, AServerThatDoesNotStopIsLeftAlone) {
  machine_.start_server();
  machine_.stops = false;
  EXPECT_TRUE(support::fails_with(base::ErrorKind::busy, [&] { erase(mem_, instance_); }));
  EXPECT_BYTES(mem_.content(in_data("Data.fs")), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
}

TEST_F(EraseTest, WhatIsGoneAlreadyDoesNotKeepTheRestFromGoing) {
  mem_.remove_all(in_data("Data.fs"));
  const EraseReport report = erase(mem_, instance_);
  EXPECT_TRUE(report.database.empty());
  EXPECT_FALSE(mem_.status(support::kBlobDir));
  EXPECT_TRUE(support::fails_with(base::ErrorKind::not_found, [&] { erase(mem_, instance_); }));
}

TEST_F(EraseTest, ThePlanTellsWhatIsThere) {
  const ErasePlan plan = plan_erase(mem_, instance_);
  EXPECT_TRUE(plan.has_database);
  EXPECT_TRUE(plan.has_blobs);
  EXPECT_EQ(plan.size, school_.database().size());
  EXPECT_EQ(plan.transactions, 2u);
}

}  // namespace
}  // namespace backup
