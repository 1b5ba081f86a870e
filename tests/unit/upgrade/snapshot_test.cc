#include "upgrade/snapshot.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "support/fs_builder.h"
#include "support/scene.h"
#include "upgrade/fingerprint.h"

namespace upgrade {
namespace {

using base::ErrorKind;
using support::fails_with;
using support::in_data;
using support::school;
using support::school_instance;

class Snapshot : public testing::Test {
 protected:
  std::optional<std::string> at(const std::string& name) { return mem_.content(in_data(name)); }
  SnapshotReport take() { return support::snapshot(mem_); }
  SnapshotReport take_for_upgrade(const Instance& instance = school_instance()) {
    SnapshotRequest request;
    request.upgrade = support::apt_upgrade();
    return take_snapshot(mem_, instance, request);
  }
  Journal journal() { return support::journal_of(mem_); }

  io::MemEnv mem_;
  support::Machine machine_{mem_};
};

// ---- by hand

TEST_F(Snapshot, CopiesTheDatabaseWithOwnerAndMode) {
  machine_.put("Data.fs", school());
  const SnapshotReport report = take();
  EXPECT_EQ(report.plan.action, SnapshotAction::copy);
  EXPECT_BYTES(at("Data.fs.0"), school());
  const auto status = mem_.status(in_data("Data.fs.0"));
  EXPECT_EQ(status->owner, support::kSchoolOwner);
  EXPECT_EQ(status->mode, support::kSchoolMode);
  EXPECT_BYTES(at("Data.fs"), school());
}

TEST_F(Snapshot, SurvivesAPowerCutAsSoonAsItReturned) {
  machine_.put("Data.fs", school());
  take();
  mem_.crash(io::Survives::synced_only, 0);
  EXPECT_BYTES(at("Data.fs.0"), school());
  EXPECT_EQ(journal().snapshot->size, school().size());
}

TEST_F(Snapshot, TellsWhatTheDatabaseHolds) {
  machine_.put("Data.fs", school());
  const Fingerprint database = take().database.value();
  EXPECT_EQ(database.size, school().size());
  EXPECT_EQ(database.transactions, 20u);
  EXPECT_EQ(database.objects, 58u);
  EXPECT_EQ(database.first_tid, support::school_history(20).front().tid);
  EXPECT_EQ(database.last_tid, support::school_history(20).back().tid);
  EXPECT_EQ(database.owner, support::kSchoolOwner);
  EXPECT_EQ(database.xxh128.size(), 32u);
  EXPECT_EQ(journal().snapshot->xxh128, database.xxh128);
  EXPECT_FALSE(journal().open);
}

TEST_F(Snapshot, LeavesATornTailOut) {
  machine_.put("Data.fs", support::with_torn_tail(school()));
  take();
  EXPECT_BYTES(at("Data.fs.0"), school());
}

TEST_F(Snapshot, MovesOlderGenerationsUpToTheFirstGap) {
  machine_.put("Data.fs", school());
  machine_.put("Data.fs.0", "zero");
  machine_.put("Data.fs.1.gz", "one");
  machine_.put("Data.fs.3", "three");
  take();
  EXPECT_BYTES(at("Data.fs.0"), school());
  EXPECT_BYTES(at("Data.fs.1"), "zero");
  EXPECT_BYTES(at("Data.fs.2.gz"), "one");
  EXPECT_BYTES(at("Data.fs.3"), "three");
  EXPECT_FALSE(at("Data.fs.1.gz"));
}

TEST_F(Snapshot, MovesBothFormsOfANumber) {
  machine_.put("Data.fs", school());
  machine_.put("Data.fs.0", "zero");
  machine_.put("Data.fs.0.gz", "zero, packed");
  machine_.put("Data.fs.1", "one");
  take();
  EXPECT_BYTES(at("Data.fs.1"), "zero");
  EXPECT_BYTES(at("Data.fs.1.gz"), "zero, packed");
  EXPECT_BYTES(at("Data.fs.2"), "one");
}

TEST_F(Snapshot, TakesNoCopyOfWhatTheNewestHolds) {
  machine_.put("Data.fs", school());
  take();
  machine_.put("Data.fs", support::with_torn_tail(school()));
  EXPECT_EQ(take().plan.action, SnapshotAction::already_there);
  EXPECT_FALSE(at("Data.fs.1"));
}

TEST_F(Snapshot, DoesNotTakeAnotherNameOfTheLiveFileForACopy) {
  // Somebody ran "ln Data.fs Data.fs.0": what the upgrade does to one happens to both.
  machine_.put("Data.fs", school());
  mem_.put_link(in_data("Data.fs.0"), in_data("Data.fs"));
  EXPECT_EQ(take_for_upgrade().plan.action, SnapshotAction::copy);
  machine_.put("Data.fs", "");
  EXPECT_BYTES(at("Data.fs.0"), school());
  EXPECT_TRUE(support::is_held(mem_, school()));
}

TEST_F(Snapshot, NeverTakesOneOfABlankDatabaseOverAGoodOne) {
  machine_.put("Data.fs.0", school());
  const std::string root_only = support::render({support::bootstrap_history({1767346200, 0}).front()});
  for (const std::string& blank :
       {std::string(), std::string("FS21"), std::string(70'000, '\0'), root_only, support::bootstrap()}) {
    SCOPED_TRACE(blank.size());
    machine_.put("Data.fs", blank);
    const SnapshotReport report = take();
    EXPECT_EQ(report.plan.action, SnapshotAction::blank);
    EXPECT_FALSE(report.plan.reason.empty());
    EXPECT_BYTES(at("Data.fs.0"), school());
    EXPECT_FALSE(at("Data.fs.1"));
    EXPECT_BYTES(at("Data.fs"), blank);
  }
}

TEST_F(Snapshot, TakesABlankOneWhereAPersonInsists) {
  machine_.put("Data.fs.0", school());
  machine_.put("Data.fs", support::bootstrap());
  SnapshotRequest request;
  request.even_if_blank = true;
  EXPECT_EQ(take_snapshot(mem_, school_instance(), request).plan.action, SnapshotAction::copy);
  EXPECT_BYTES(at("Data.fs.0"), support::bootstrap());
  EXPECT_BYTES(at("Data.fs.1"), school());
}

TEST_F(Snapshot, TakesTheFirstOneOfAFreshSite) {
  machine_.put("Data.fs", support::bootstrap());
  EXPECT_EQ(take().plan.action, SnapshotAction::copy);
}

TEST_F(Snapshot, SaysThatThereIsNoDatabase) {
  EXPECT_EQ(take().plan.action, SnapshotAction::absent);
  EXPECT_FALSE(at("Data.fs.0"));
}

TEST_F(Snapshot, RefusesADatabaseThatIsDamagedInside) {
  std::string live = school();
  live.replace(live.size() / 2, 200, std::string(200, '\xee'));
  machine_.put("Data.fs.0", school(10));
  for (const std::string& damaged :
       {live, support::with_torn_tail(live), std::string("not a database at all")}) {
    SCOPED_TRACE(damaged.size());
    machine_.put("Data.fs", damaged);
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { take(); }));
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { take_for_upgrade(); }));
    EXPECT_BYTES(at("Data.fs.0"), school(10));
    EXPECT_FALSE(at("Data.fs.1"));
    EXPECT_TRUE(support::temporaries(mem_).empty());
  }
}

TEST_F(Snapshot, AsksForSpaceBeforeItTouchesAnything) {
  machine_.put("Data.fs", std::string(school()));
  machine_.put("Data.fs.0", school(5));
  mem_.set_capacity(64 * 1024);
  const auto names = mem_.list(support::kDataDir);
  EXPECT_TRUE(fails_with(
      ErrorKind::no_space, [&] { take(); }, "needs"));
  EXPECT_EQ(mem_.list(support::kDataDir), names);
  EXPECT_BYTES(at("Data.fs.0"), school(5));
}

TEST_F(Snapshot, CountsThePackagesOwnCopyForAnUpgrade) {
  machine_.put("Data.fs", school());
  SnapshotRequest by_hook;
  by_hook.upgrade = support::apt_upgrade();
  const auto by_hand = plan_snapshot(mem_, school_instance(), {}).space_needed;
  EXPECT_EQ(plan_snapshot(mem_, school_instance(), by_hook).space_needed, by_hand + school().size());
  // Also where our own copy is there already.
  take();
  EXPECT_GE(plan_snapshot(mem_, school_instance(), by_hook).space_needed, school().size());
}

TEST_F(Snapshot, PlanChangesNothing) {
  machine_.put("Data.fs", school());
  machine_.put("Data.fs.0", school(5));
  const auto dry = io::make_read_only_env(mem_);
  const SnapshotPlan plan = plan_snapshot(*dry, school_instance(), {});
  EXPECT_EQ(plan.action, SnapshotAction::copy);
  EXPECT_EQ(plan.length, school().size());
  const std::vector<std::pair<std::string, std::string>> moves = {{"Data.fs.0", "Data.fs.1"}};
  EXPECT_EQ(plan.moves, moves);
  EXPECT_FALSE(mem_.status(kStateRoot));
}

TEST_F(Snapshot, SweepsWhatAKilledRunLeftButNotThatOfAnotherDatabase) {
  machine_.put("Data.fs", school());
  machine_.put(".Data.fs.0.dbtools-0123456789abcdef.tmp", "half");
  machine_.put(".another-Data.fs.0.dbtools-0123456789abcdef.tmp", "at work");
  take();
  const std::vector<std::string> left = {".another-Data.fs.0.dbtools-0123456789abcdef.tmp"};
  EXPECT_EQ(support::temporaries(mem_), left);
}

TEST_F(Snapshot, KeepsWhatAPersonsDecisionLeftInTheVault) {
  machine_.put("Data.fs", school());
  take_for_upgrade();
  machine_.put("Data.fs", support::render(support::lived_on(support::school_history(3), 9)));
  CheckRequest accept;
  accept.accept = true;
  check(mem_, school_instance(), accept);
  take();
  EXPECT_TRUE(support::is_held(mem_, school()));  // until the next upgrade
}

TEST_F(Snapshot, RefusesWhileAnotherCommandIsAtWork) {
  machine_.put("Data.fs", school());
  const auto state = open_state(mem_, "standard");
  const io::FileLock lock = lock_instance(*state, "schooltool-db-rotate", 0, mem_);
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { take(); }, "schooltool-db-rotate"));
}

TEST_F(Snapshot, StopsWhenTheDatabaseShrinksWhileItIsCopied) {
  machine_.put("Data.fs", school());
  machine_.put("Data.fs.0", school(5));
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "copy_some")
      mem_.put_file(in_data("Data.fs"), school(2), support::kSchoolOwner, 0640);
    return io::no_limit;
  });
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { support::snapshot(*env); }));
  EXPECT_BYTES(at("Data.fs.0"), school(5));
  EXPECT_FALSE(at("Data.fs.1"));
  EXPECT_TRUE(support::temporaries(mem_).empty());
}

TEST_F(Snapshot, CopiesOnlyWhatWasWholeWhenADatabaseGrowsMeanwhile) {
  machine_.put("Data.fs", school(20));
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "copy_some")
      mem_.put_file(in_data("Data.fs"), school(25), support::kSchoolOwner, 0640);
    return io::no_limit;
  });
  support::snapshot(*env);
  EXPECT_BYTES(at("Data.fs.0"), school(20));
}

TEST_F(Snapshot, WorksByReflink) {
  mem_.set_reflink(true);
  machine_.put("Data.fs", support::with_torn_tail(school()));
  take();
  EXPECT_BYTES(at("Data.fs.0"), school());
}

// ---- for an upgrade

TEST_F(Snapshot, ForAnUpgradeIsHeldInARootOnlyVault) {
  machine_.put("Data.fs", school());
  const SnapshotReport report = take_for_upgrade();
  const auto vault = mem_.status(in_data(kVaultName));
  EXPECT_EQ(vault->owner, io::Owner{});
  EXPECT_EQ(vault->mode, 0700u);
  const OpenUpgrade open = journal().open.value();
  EXPECT_EQ(open.id, report.upgrade_id);
  EXPECT_EQ(open.before, Before::database);
  EXPECT_EQ(open.by, "apt");
  EXPECT_EQ(open.packages.at(0).name, "schooltool");
  EXPECT_EQ(open.data_dir, support::kDataDir);
  EXPECT_BYTES(mem_.content(in_data(std::string(kVaultName) + "/" + open.held)), school());
  // The second name of the same file: no second copy.
  EXPECT_TRUE(mem_.status(in_data("Data.fs.0"))
                  ->same_file(*mem_.status(in_data(std::string(kVaultName) + "/" + open.held))));
}

TEST_F(Snapshot, ForAnUpgradeIsHeldWhenItIsThereAlready) {
  machine_.put("Data.fs", school());
  take();
  EXPECT_EQ(take_for_upgrade().plan.action, SnapshotAction::already_there);
  EXPECT_TRUE(support::is_held(mem_, school()));
  EXPECT_FALSE(at("Data.fs.1"));
}

TEST_F(Snapshot, MakesTheNewestOneDurableIfSomebodyElseWroteIt) {
  // savelog and cp of the package's own scripts sync nothing.
  machine_.put("Data.fs", school());
  {
    const auto dir = mem_.open_dir(support::kDataDir, io::Links::refuse);
    const auto file = dir->create_file("Data.fs.0", 0640);
    file->write_full(0, base::as_bytes(school()));
  }
  EXPECT_EQ(take_for_upgrade().plan.action, SnapshotAction::already_there);
  machine_.put("Data.fs", "");
  mem_.crash(io::Survives::synced_only, 0);
  EXPECT_TRUE(support::is_held(mem_, school()));
}

TEST_F(Snapshot, HoldsASecondCopyWhereThereAreNoHardLinks) {
  machine_.put("Data.fs", school());
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "link") throw base::Error::from_errno("link", operation.path, EPERM);
    return io::no_limit;
  });
  SnapshotRequest request;
  request.upgrade = support::apt_upgrade();
  take_snapshot(*env, school_instance(), request);
  EXPECT_EQ(support::places_of(mem_, school()).size(), 3u);  // live, .0, vault
  mem_.crash(io::Survives::synced_only, 0);
  EXPECT_TRUE(support::is_held(mem_, school()));
}

TEST_F(Snapshot, HoldsABlankDatabaseAsideFromTheGenerations) {
  machine_.put("Data.fs.0", school());
  machine_.put("Data.fs", support::bootstrap());
  take_for_upgrade();
  EXPECT_EQ(journal().open->before, Before::blank);
  EXPECT_TRUE(support::is_held(mem_, support::bootstrap()));
  EXPECT_BYTES(at("Data.fs.0"), school());
}

TEST_F(Snapshot, OpensTheUpgradeAlsoWhereNothingStands) {
  take_for_upgrade();
  EXPECT_EQ(journal().open->before, Before::absent);
  EXPECT_EQ(journal().open->held, "");
}

TEST_F(Snapshot, SavesWhetherTheServerRan) {
  machine_.put("Data.fs", school());
  take_for_upgrade();
  EXPECT_FALSE(journal().open->server_was_running);
  machine_.start_server();
  take_for_upgrade();
  EXPECT_TRUE(journal().open->server_was_running);
  EXPECT_TRUE(machine_.commands.empty());
}

TEST_F(Snapshot, LetsTheFormerHoldGoOnlyWhenTheNewOneStands) {
  machine_.put("Data.fs", school(10));
  take_for_upgrade();
  machine_.put("Data.fs", school(20));
  take_for_upgrade();
  EXPECT_TRUE(support::is_held(mem_, school(20)));
  EXPECT_FALSE(support::is_held(mem_, school(10)));
  EXPECT_EQ(mem_.list(in_data(kVaultName)).size(), 1u);
  EXPECT_BYTES(at("Data.fs.1"), school(10));
}

TEST_F(Snapshot, TwoInstancesInOneFolderKeepOutOfEachOthersWay) {
  const Instance another = school_instance("another", "another-Data.fs");
  const Instance awkward = school_instance("awkward", "Data.fs.test");
  machine_.put("Data.fs", school(20));
  machine_.put("another-Data.fs", school(15));
  machine_.put("Data.fs.test", school(12));
  take_for_upgrade(another);
  take_for_upgrade(awkward);
  take_for_upgrade();
  EXPECT_TRUE(support::is_held(mem_, school(20)));
  EXPECT_TRUE(support::is_held(mem_, school(15)));
  EXPECT_TRUE(support::is_held(mem_, school(12)));
  EXPECT_BYTES(at("another-Data.fs.0"), school(15));
  EXPECT_BYTES(at("Data.fs.test.0"), school(12));
  EXPECT_BYTES(at("Data.fs.0"), school(20));
}

TEST_F(Snapshot, CopiesADatabaseOfAnotherOwnerThanTheFoldersAgainAndAgain) {
  // A folder of root's that the service's group may write to: the vault's name is a second name of the copy,
  // and no stranger.
  mem_.put_dir(support::kDataDir, {0, 1234}, 0775);
  machine_.put("Data.fs", school());
  take_for_upgrade();
  EXPECT_EQ(take_for_upgrade().plan.action, SnapshotAction::already_there);
  EXPECT_EQ(take().plan.action, SnapshotAction::already_there);
}

}  // namespace
}  // namespace upgrade
