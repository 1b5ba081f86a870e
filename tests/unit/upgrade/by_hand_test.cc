#include "upgrade/by_hand.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/hooked_env.h"
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

class ByHand : public testing::Test {
 protected:
  std::optional<std::string> at(const std::string& name) { return mem_.content(in_data(name)); }
  HandPlan plan(const std::optional<std::string>& to = std::nullopt) {
    const auto dry = io::make_read_only_env(mem_);
    return plan_by_hand(*dry, school_instance(), to);
  }
  RollbackReport put_back(const std::optional<std::string>& to = std::nullopt) {
    return roll_back_by_hand(mem_, school_instance(), plan(to), {});
  }

  io::MemEnv mem_;
  support::Machine machine_{mem_};
};

TEST_F(ByHand, TakesTheNewestGenerationIfNoneIsNamed) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.1.gz", support::gzipped(school(20)));
  machine_.put("Data.fs.2", school(10));
  EXPECT_EQ(plan().source_path, in_data("Data.fs.1.gz"));
  put_back();
  EXPECT_BYTES(at("Data.fs"), school(20));
}

TEST_F(ByHand, TakesTheDatabaseOfBeforeIfAnUpgradeIsOpen) {
  machine_.put("Data.fs", school(20));
  support::begin(mem_);
  machine_.put("Data.fs", school(25));
  mem_.remove_all(in_data("Data.fs.0"));
  machine_.put("Data.fs.0", school(3));
  EXPECT_NE(plan().source_path.find(kVaultName), std::string::npos);
  put_back();
  EXPECT_BYTES(at("Data.fs"), school(20));
  EXPECT_BYTES(support::displaced_content(mem_), school(25));
}

TEST_F(ByHand, ClosesTheUpgradeAndKeepsWhatItHeld) {
  machine_.put("Data.fs", school(20));
  support::begin(mem_);
  machine_.put("Data.fs", support::bootstrap());
  machine_.put("Data.fs.5", school(10));
  put_back("5");
  const Journal journal = support::journal_of(mem_);
  EXPECT_FALSE(journal.open);
  EXPECT_EQ(journal.last->action, "rolled back");
  EXPECT_EQ(journal.last->detail, in_data(support::displaced(mem_).at(0)));
  EXPECT_TRUE(support::is_held(mem_, school(20)));
  // A check does not undo what a person has decided.
  EXPECT_FALSE(support::check_as(mem_, Caller::dpkg_done).looked);
  EXPECT_BYTES(at("Data.fs"), school(10));
}

TEST_F(ByHand, PlanTellsWhatWouldHappenAndChangesNothing) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0.gz", support::gzipped(school(20)));
  machine_.start_server();
  const HandPlan hand = plan("0");
  EXPECT_TRUE(hand.plan.stop_server);
  EXPECT_TRUE(hand.plan.start_server);
  EXPECT_EQ(hand.plan.live_size, school(5).size());
  EXPECT_EQ(hand.plan.source.database.size, school(20).size());
  EXPECT_EQ(hand.plan.source.database.last_tid, support::school_history(20).back().tid);
  EXPECT_TRUE(machine_.commands.empty());
}

TEST_F(ByHand, SaysThatThereIsNoCopy) {
  machine_.put("Data.fs", school(5));
  EXPECT_TRUE(fails_with(
      ErrorKind::not_found, [&] { plan(); }, "no older copy"));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { plan("3"); }));
}

TEST_F(ByHand, ACopyThatRootMadeBecomesTheServicesOwn) {
  // "cp Data.fs Data.fs.0" by root: put back like that, the server could not open it.
  machine_.put("Data.fs", school(5));
  mem_.put_file(in_data("Data.fs.0"), school(20), {}, 0600);
  put_back("0");
  EXPECT_EQ(mem_.status(in_data("Data.fs"))->owner, support::kSchoolOwner);
  EXPECT_EQ(mem_.status(in_data("Data.fs"))->mode, support::kSchoolMode);
}

TEST_F(ByHand, ARootsCopyInAnEmptyFolderBecomesTheFolderOwners) {
  mem_.put_file(in_data("Data.fs.0"), school(20), {}, 0600);
  put_back("0");
  EXPECT_EQ(mem_.status(in_data("Data.fs"))->owner, support::kSchoolOwner);
}

TEST_F(ByHand, RefusesWhileAnotherCommandIsAtWork) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  const auto state = open_state(mem_, "standard");
  const io::FileLock lock = lock_instance(*state, "somebody", 0, mem_);
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { put_back("0"); }, "somebody"));
  EXPECT_BYTES(at("Data.fs"), school(5));
}

// While the person thinks, an upgrade moves the generations up, and copies the live file to .0.
TEST_F(ByHand, DoesNothingIfTheFilesAreOthersThanThoseOfThePlan) {
  for (const bool no_space : {false, true}) {
    machine_.put("Data.fs", school(5));
    machine_.put("Data.fs.0", school(20));
    if (no_space) {
      const auto space = mem_.open_dir("/", io::Links::refuse)->space();
      mem_.set_capacity(space.total - space.free + 8 * 1024);
    }
    const HandPlan agreed = plan("0");
    EXPECT_EQ(agreed.plan.move_instead_of_copy, no_space);
    const auto dir = mem_.open_dir(support::kDataDir, io::Links::refuse);
    dir->rename("Data.fs.0", *dir, "Data.fs.1", io::Replace::no);
    dir->rename("Data.fs", *dir, "Data.fs.0", io::Replace::no);
    machine_.put("Data.fs", support::bootstrap());
    EXPECT_TRUE(fails_with(
        ErrorKind::busy, [&] { roll_back_by_hand(mem_, school_instance(), agreed, {}); }, "changed since"));
    EXPECT_BYTES(at("Data.fs"), support::bootstrap());
    EXPECT_BYTES(at("Data.fs.0"), school(5));
    EXPECT_BYTES(at("Data.fs.1"), school(20));
    for (const char* name : {"Data.fs", "Data.fs.0", "Data.fs.1"}) mem_.remove_all(in_data(name));
  }
}

// Only the live file was exchanged.
TEST_F(ByHand, DoesNothingIfTheLiveFileIsAnotherOne) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  const HandPlan agreed = plan("0");
  mem_.remove_all(in_data("Data.fs"));
  machine_.put("Data.fs", school(7));
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { roll_back_by_hand(mem_, school_instance(), agreed, {}); }));
  EXPECT_BYTES(at("Data.fs"), school(7));
}

TEST_F(ByHand, SweepsWhatAKilledRunLeft) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  machine_.put(".Data.fs.dbtools-0123456789abcdef.tmp", "half");
  put_back("0");
  EXPECT_TRUE(support::temporaries(mem_).empty());
}

TEST_F(ByHand, StartsAServerThatTheUpgradeHadStopped) {
  machine_.put("Data.fs", school(20));
  machine_.start_server();
  support::begin(mem_);
  machine_.stop_server();
  EXPECT_TRUE(put_back().started);
  EXPECT_TRUE(machine_.server_runs());
}

}  // namespace
}  // namespace upgrade
