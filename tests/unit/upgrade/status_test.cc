#include "upgrade/status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/fs_builder.h"
#include "support/scene.h"

namespace upgrade {
namespace {

using support::in_data;
using support::school;

class StatusTest : public testing::Test {
 protected:
  Status status() { return status_of(mem_, instance_); }
  nlohmann::json json() { return nlohmann::json::parse(status_json({status()})).at(0); }
  bool text_has(const std::string& part) {
    const std::string text = status_text({status()}, mem_.now());
    if (text.find(part) != std::string::npos) return true;
    ADD_FAILURE() << "no \"" << part << "\" in\n" << text;
    return false;
  }

  io::MemEnv mem_;
  support::Machine machine_{mem_};
  Instance instance_ = support::school_instance();
};

TEST_F(StatusTest, TellsWhatTheDatabaseHolds) {
  machine_.put("Data.fs", school());
  machine_.start_server();
  const Status now = status();
  EXPECT_TRUE(now.present && now.server_running);
  EXPECT_EQ(now.size, school().size());
  EXPECT_EQ(now.objects, 58u);
  EXPECT_EQ(now.transactions, 20u);
  EXPECT_EQ(now.problem, "");
  EXPECT_TRUE(text_has("58 objects, 20 transactions, server running"));
  EXPECT_EQ(json().at("last_transaction"), "2025-06-02T03:00:00Z");
}

TEST_F(StatusTest, ListsCopiesNewestFirstThenDisplacedOnes) {
  machine_.put("Data.fs.10", "x");
  machine_.put("Data.fs.2.gz", "x");
  machine_.put("Data.fs.0", "x");
  machine_.put("Data.fs.blank-20260101T000000Z", "x");
  machine_.put("Data.fs.index", "x");
  mem_.put_symlink(in_data("Data.fs.1"), "/etc/shadow", support::kSchoolOwner);
  std::string names;
  for (const StoredCopy& copy : status().copies) names += copy.name + "(" + copy.note + ") ";
  EXPECT_EQ(names,
            "Data.fs.0() Data.fs.1(a link, passed over) Data.fs.2.gz() Data.fs.10() "
            "Data.fs.blank-20260101T000000Z(displaced) ");
}

TEST_F(StatusTest, TellsTheOpenUpgradeAndTheLastVerdict) {
  machine_.put("Data.fs", school());
  support::begin(mem_);
  EXPECT_TRUE(text_has("by apt: schooltool 1.0 -> 2.0; not yet found good"));
  EXPECT_TRUE(text_has("none yet"));
  machine_.put("Data.fs", "");
  support::check_as(mem_, Caller::dpkg_done);
  EXPECT_TRUE(text_has("blank (the file is empty), rolled back"));
  EXPECT_TRUE(text_has("see '/var/lib/schooltool/Data.fs.blank-"));
  EXPECT_EQ(json().at("journal").at("last").at("verdict"), "blank");
}

TEST_F(StatusTest, StillTellsOfTheRollbackWhenALaterCheckFoundAllWell) {
  machine_.put("Data.fs", school());
  support::begin(mem_);
  machine_.put("Data.fs", "");
  support::check_as(mem_, Caller::dpkg_done);
  support::check_as(mem_, Caller::dpkg_done);
  EXPECT_TRUE(text_has("  last verdict    unchanged (20 transactions), still watched, "));
  EXPECT_TRUE(text_has("  last replaced   blank (the file is empty), rolled back, "));
  EXPECT_TRUE(text_has("see '/var/lib/schooltool/Data.fs.blank-"));
  EXPECT_EQ(json().at("journal").at("last_replaced").at("verdict"), "blank");
}

TEST_F(StatusTest, NamesTheCommandsBetweenWhichAPersonDecides) {
  machine_.put("Data.fs", school());
  support::begin(mem_);
  std::string live = school();
  machine_.put("Data.fs", live.replace(live.size() / 2, 200, std::string(200, '\xee')));
  support::check_as(mem_, Caller::dpkg_done);
  EXPECT_TRUE(text_has("waiting for a person"));
  EXPECT_TRUE(text_has("schooltool-db rollback --instance standard"));
  EXPECT_TRUE(text_has("schooltool-db check --accept --instance standard"));
}

TEST_F(StatusTest, WhatCannotBeReadIsNotMissing) {
  mem_.put_symlink(in_data("Data.fs"), "/etc/shadow", support::kSchoolOwner);
  EXPECT_TRUE(text_has("  database        could not be read"));
}

TEST_F(StatusTest, SaysMissing) {
  EXPECT_TRUE(text_has("missing"));
  EXPECT_EQ(json().at("present"), false);
  EXPECT_TRUE(text_has("none yet"));
}

TEST_F(StatusTest, SaysWhatIsDamaged) {
  std::string live = school();
  machine_.put("Data.fs", live.replace(live.size() / 2, 200, std::string(200, '\xee')));
  EXPECT_FALSE(status().damage.empty());
  EXPECT_TRUE(text_has("damage"));
}

TEST_F(StatusTest, OneTroubleDoesNotHideTheRest) {
  machine_.put("Data.fs.0", school());
  mem_.put_symlink(in_data("Data.fs"), "/etc/shadow", support::kSchoolOwner);
  mem_.put_file("/var/lib/schooltool-dbtools/standard/state.json", "{", {}, 0600);
  const Status now = status();
  EXPECT_NE(now.problem.find("state.json"), std::string::npos);
  EXPECT_NE(now.problem.find("Data.fs"), std::string::npos);
  EXPECT_EQ(now.copies.size(), 1u);
  instance_.data_dir = "/nowhere";
  EXPECT_NE(status().problem.find("/nowhere"), std::string::npos);
}

TEST_F(StatusTest, HostileNamesStayInsideTheReport) {
  machine_.put("Data.fs.blank-20260101T000000Z\x1b[2J\xff", "x");
  EXPECT_EQ(status_text({status()}, mem_.now()).find('\x1b'), std::string::npos);
  EXPECT_EQ(json().at("copies").size(), 1u);
}

TEST_F(StatusTest, ChangesNothingAndTakesNoLock) {
  machine_.put("Data.fs", school());
  support::begin(mem_);
  const auto state = open_state(mem_, "standard");
  const io::FileLock lock = lock_instance(*state, "somebody", 0, mem_);
  const std::string before = journal_json(support::journal_of(mem_));
  EXPECT_EQ(status().problem, "");
  EXPECT_EQ(journal_json(support::journal_of(mem_)), before);
}

}  // namespace
}  // namespace upgrade
