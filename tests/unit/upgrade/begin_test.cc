#include "upgrade/begin.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/errors.h"
#include "support/fs_builder.h"
#include "support/scene.h"

namespace upgrade {
namespace {

using base::ErrorKind;
using support::fails_with;
using support::in_data;
using support::school;
using support::school_instance;

class Begin : public testing::Test {
 protected:
  std::optional<std::string> at(const std::string& name) { return mem_.content(in_data(name)); }
  Journal journal() { return support::journal_of(mem_); }
  BeginReport begin() { return support::begin(mem_); }
  std::string foreign() {
    support::History other = support::school_history(20);
    for (auto& transaction : other) transaction.tid += 12345;
    return support::render(other);
  }

  io::MemEnv mem_;
  support::Machine machine_{mem_};
};

TEST_F(Begin, TakesTheSnapshotAndOpensTheUpgrade) {
  machine_.put("Data.fs", school());
  const BeginReport report = begin();
  EXPECT_FALSE(report.already_begun);
  EXPECT_FALSE(report.repaired);
  EXPECT_EQ(report.snapshot->plan.action, SnapshotAction::copy);
  EXPECT_EQ(journal().open->id, report.snapshot->upgrade_id);
}

TEST_F(Begin, DoesNothingWhereThereIsNoFolder) {
  mem_.remove_all(support::kDataDir);
  const BeginReport report = begin();
  EXPECT_FALSE(report.snapshot);
  EXPECT_FALSE(mem_.status(kStateRoot));
}

TEST_F(Begin, TheSecondHookOfAnUpgradeDoesNothing) {
  machine_.put("Data.fs.0", school(5));
  machine_.put("Data.fs", school());
  begin();
  const std::string id = journal().open->id;
  EXPECT_TRUE(begin().already_begun);
  EXPECT_EQ(journal().open->id, id);
  EXPECT_BYTES(at("Data.fs.1"), school(5));
  EXPECT_FALSE(at("Data.fs.2"));
}

TEST_F(Begin, TheSecondHookOfAnUpgradeWithoutDatabaseDoesNothing) {
  begin();
  EXPECT_TRUE(begin().already_begun);
}

TEST_F(Begin, PackagesThatOnlyTheSecondHookKnowsHaveToBeConfiguredToo) {
  machine_.put("Data.fs", school());
  begin_upgrade(mem_, school_instance(), {"apt", {{"python-schooltool", "1", "2"}}});
  EXPECT_TRUE(begin_upgrade(mem_, school_instance(),
                            {"dpkg", {{"schooltool", "1", "2"}, {"python-schooltool", "", "2"}}})
                  .already_begun);
  ASSERT_EQ(journal().open->packages.size(), 2u);
  EXPECT_EQ(journal().open->packages[1].name, "schooltool");
  machine_.put("Data.fs", "");
  machine_.packages = {{"python-schooltool", "installed"}, {"schooltool", "unpacked"}};
  EXPECT_FALSE(support::check_as(mem_, Caller::dpkg_done).looked);
}

TEST_F(Begin, WhatWasWrittenSinceIsCopiedToo) {
  machine_.put("Data.fs", school(20));
  begin();
  machine_.put("Data.fs", school(21));
  EXPECT_FALSE(begin().already_begun);
  EXPECT_TRUE(support::is_held(mem_, school(21)));
  EXPECT_BYTES(at("Data.fs.0"), school(21));
}

TEST_F(Begin, IsNotBegunIfTheCopyIsGone) {
  machine_.put("Data.fs", school());
  begin();
  mem_.remove_all(in_data(kVaultName));
  EXPECT_FALSE(begin().already_begun);
  EXPECT_TRUE(support::is_held(mem_, school()));
}

TEST_F(Begin, IsNotBegunIfTheHeldCopyHasBecomeTheLiveFile) {
  // What a power cut leaves in the middle of a rollback without space.
  machine_.put("Data.fs", school());
  begin();
  const std::string held = in_data(std::string(kVaultName) + "/" + journal().open->held);
  mem_.remove_all(in_data("Data.fs"));
  mem_.remove_all(in_data("Data.fs.0"));
  mem_.put_link(in_data("Data.fs"), held);
  EXPECT_FALSE(begin().already_begun);
  machine_.put("Data.fs", "");
  EXPECT_TRUE(support::is_held(mem_, school()));
}

TEST_F(Begin, IsNotBegunByAnUpgradeThatWasThrough) {
  machine_.put("Data.fs", school());
  begin();
  support::check_as(mem_, Caller::dpkg_done);
  EXPECT_FALSE(begin().already_begun);
  EXPECT_FALSE(journal().open->good_since);
  EXPECT_FALSE(at("Data.fs.1"));
}

// unattended-upgrades tries a failed upgrade again each day.
TEST_F(Begin, RetriesNeverLoseTheGoodCopy) {
  machine_.put("Data.fs", school());
  begin();
  for (int day = 0; day < 12; ++day) {
    // The package's scripts: savelog, and a copy that fails on a full disk.
    mem_.remove_all(in_data("Data.fs.0"));
    machine_.put("Data.fs.0", "half " + std::to_string(day));
    mem_.remove_all(in_data("Data.fs"));
    machine_.put("Data.fs", school().substr(0, 3000));
    machine_.packages["schooltool"] = "half-configured";
    const BeginReport report = begin();
    ASSERT_TRUE(report.repaired);
    EXPECT_FALSE(report.repaired->messages.empty());
    EXPECT_BYTES(at("Data.fs"), school());
    ASSERT_TRUE(support::is_held(mem_, school()));
    EXPECT_BYTES(at("Data.fs.0"), school());
    EXPECT_EQ(journal().open->before, Before::database);
  }
}

TEST_F(Begin, ARetryRemembersThatTheServerRan) {
  machine_.put("Data.fs", school());
  machine_.start_server();
  begin();
  machine_.stop_server();  // by the package's prerm
  machine_.put("Data.fs", school(21));
  begin();
  EXPECT_TRUE(journal().open->server_was_running);
  // Where it was found good since, the server is as its administrator wants it.
  support::check_as(mem_, Caller::dpkg_done);
  begin();
  EXPECT_FALSE(journal().open->server_was_running);
}

TEST_F(Begin, RefusesWhereAPersonHasToDecide) {
  machine_.put("Data.fs", school());
  begin();
  machine_.put("Data.fs", foreign());
  try {
    begin();
    FAIL() << "did not refuse";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    EXPECT_NE(error.hint().find("schooltool-db rollback"), std::string::npos) << error.hint();
    EXPECT_NE(error.hint().find("schooltool-db check --accept"), std::string::npos);
    EXPECT_NE(error.hint().find(in_data(kVaultName)), std::string::npos);
  }
  EXPECT_TRUE(support::is_held(mem_, school()));
  EXPECT_BYTES(at("Data.fs"), foreign());
  // And goes on when the person has.
  CheckRequest accept;
  accept.accept = true;
  check(mem_, school_instance(), accept);
  EXPECT_EQ(begin().snapshot->plan.action, SnapshotAction::copy);
  EXPECT_TRUE(support::is_held(mem_, foreign()));
}

TEST_F(Begin, RefusesWithoutSpaceAndStaysClosed) {
  machine_.put("Data.fs", school());
  mem_.set_capacity(256 * 1024);
  EXPECT_TRUE(fails_with(
      ErrorKind::no_space, [&] { begin(); }, "the package's own"));
  EXPECT_FALSE(journal().open);
}

TEST_F(Begin, RefusesADamagedDatabase) {
  std::string live = school();
  machine_.put("Data.fs", live.replace(live.size() / 2, 200, std::string(200, '\xee')));
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { begin(); }));
  EXPECT_FALSE(journal().open);
}

TEST_F(Begin, RefusesWhileAnotherCommandIsAtWork) {
  machine_.put("Data.fs", school());
  Instance instance = school_instance();
  instance.settings.lock_wait = 1;
  const auto state = open_state(mem_, "standard");
  const io::FileLock lock = lock_instance(*state, "schooltool-db-rotate", 0, mem_);
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { support::begin(mem_, instance); }, "schooltool-db-rotate"));
}

TEST_F(Begin, RefusesAJournalThatCannotBeRead) {
  machine_.put("Data.fs", school());
  begin();
  mem_.put_file("/var/lib/schooltool-dbtools/standard/state.json", "{ half", {}, 0600);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { begin(); }));
  EXPECT_TRUE(support::is_held(mem_, school()));
}

TEST_F(Begin, TwoInstancesInOneFolder) {
  const Instance another = school_instance("another", "another-Data.fs");
  machine_.put("Data.fs", school(20));
  machine_.put("another-Data.fs", school(15));
  begin();
  support::begin(mem_, another);
  mem_.remove_all(in_data("Data.fs"));
  machine_.put("another-Data.fs", support::bootstrap());
  EXPECT_EQ(support::check_as(mem_, Caller::dpkg_done).action, CheckAction::rolled_back);
  EXPECT_EQ(support::check_as(mem_, Caller::dpkg_done, another).action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), school(20));
  EXPECT_BYTES(at("another-Data.fs"), school(15));
}

TEST_F(Begin, AHookThatKnowsThePackagesDoesNotNarrowOneThatDidNot) {
  machine_.put("Data.fs", school());
  begin_upgrade(mem_, school_instance(), {"dpkg", {}});
  EXPECT_TRUE(begin_upgrade(mem_, school_instance(), {"preinst", {{"schooltool", "1.0", ""}}}).already_begun);
  EXPECT_TRUE(journal().open->packages.empty());
}

TEST_F(Begin, BaselineTakesASnapshotAndOpensNothing) {
  machine_.put("Data.fs", school());
  EXPECT_EQ(take_baseline(mem_, school_instance()).snapshot.plan.action, SnapshotAction::copy);
  EXPECT_FALSE(journal().open);
  EXPECT_BYTES(at("Data.fs.0"), school());
}

// The guard came in the same run as an upgrade that had lost the database by then.
TEST_F(Begin, TheFirstBaselineTellsOfADatabaseThatWasLostBefore) {
  const std::pair<const char*, std::string> copies[] = {{"Data.fs.0", school()},
                                                        {"Data.fs.3.gz", support::gzipped(school())}};
  for (const auto& [name, content] : copies) {
    for (const std::optional<std::string>& live :
         {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("FS30")}) {
      SCOPED_TRACE(name);
      mem_.remove_all(support::kDataDir);
      mem_.remove_all(kStateRoot);
      mem_.put_dir(support::kDataDir, support::kSchoolOwner, 0750);
      machine_.put(name, content);
      if (live) machine_.put("Data.fs", *live);
      const Baseline first = take_baseline(mem_, school_instance());
      ASSERT_EQ(first.messages.size(), 2u);
      EXPECT_NE(first.messages[0].find(live ? "is blank" : "is missing"), std::string::npos);
      EXPECT_NE(first.messages[1].find(std::string("--instance standard --to ") + name), std::string::npos);
    }
  }
  machine_.put("Data.fs", support::bootstrap());
  machine_.put("Data.fs.0", school());
  mem_.remove_all(kStateRoot);
  EXPECT_EQ(take_baseline(mem_, school_instance()).messages.size(), 2u);
}

TEST_F(Begin, ALaterBaselineOrOneOfASchoolTellsNothing) {
  machine_.put("Data.fs.0", "no database");
  EXPECT_TRUE(take_baseline(mem_, school_instance()).messages.empty());
  machine_.put("Data.fs", school());
  mem_.remove_all(kStateRoot);
  EXPECT_TRUE(take_baseline(mem_, school_instance()).messages.empty());
  // Erased on purpose since then.
  mem_.remove_all(in_data("Data.fs"));
  EXPECT_TRUE(take_baseline(mem_, school_instance()).messages.empty());
}

}  // namespace
}  // namespace upgrade
