#include "backup/restore.h"

#include <gtest/gtest.h>

#include "backup/backup.h"
#include "backup/names.h"
#include "backup/restore_state.h"
#include "io/hooked_env.h"
#include "repozo/names.h"
#include "support/blob_scene.h"
#include "support/errors.h"
#include "support/scene.h"
#include "upgrade/data_folder.h"

namespace backup {
namespace {

using base::ErrorKind;
using support::BlobSchool;
using support::fails_with;
using support::in_data;

// Two backups: `first` and, a few commits later, `second`. Then life went on, and a blob object changed.
class RestoreTest : public testing::Test {
 protected:
  RestoreTest() : machine_(mem_) {
    school_.commit({1, 2, 3});
    school_.put(mem_);
    first_ = back();
    first_school_database_ = school_.database();
    first_blobs_ = school_.blobs();
    school_.commit({2, 4});
    school_.put(mem_);
    second_ = back();
    second_database_ = school_.database();
    second_blobs_ = school_.blobs();
    school_.commit({2, 5});
    school_.commit({6});
    school_.put(mem_);
  }

  Record back() {
    tick();
    return back_up(mem_, instance_, {}).pair.record;
  }
  void tick() {
    base::UtcTime now = mem_.now();
    now.seconds += 60;
    mem_.set_now(now);
  }
  ExchangeReport run(const std::optional<base::UtcTime>& moment = std::nullopt) {
    tick();
    return restore(mem_, instance_, plan_restore(mem_, instance_, moment), {});
  }
  ExchangeReport undo() {
    tick();
    return restore(mem_, instance_, plan_undo(mem_, instance_), {});
  }
  std::optional<std::string> live() { return mem_.content(in_data("Data.fs")); }
  void expect_owned() {
    const auto status = mem_.status(in_data("Data.fs"));
    EXPECT_EQ(status->owner, support::kSchoolOwner);
    EXPECT_EQ(status->mode, support::kSchoolMode);
    for (const auto& [path, content] : support::blobs_in(mem_)) {
      const auto blob = mem_.status(std::string(support::kBlobDir) + "/" + path);
      EXPECT_EQ(blob->owner, support::kSchoolOwner) << path;
      EXPECT_EQ(blob->mode, 0400u) << path;
    }
  }

  io::MemEnv mem_;
  support::Machine machine_;
  BlobSchool school_;
  upgrade::Instance instance_ = support::blob_instance();
  Record first_, second_;
  std::string first_school_database_, second_database_;
  std::map<std::string, std::string> first_blobs_, second_blobs_;
};

TEST_F(RestoreTest, PutsTheNewestPairBackAndKeepsTheOther) {
  const ExchangeReport done = run();
  EXPECT_BYTES(live(), second_database_);
  EXPECT_EQ(support::blobs_in(mem_), second_blobs_);
  EXPECT_BYTES(mem_.content(done.displaced_to), school_.database());
  EXPECT_EQ(done.blobs_moved, 3u);
  EXPECT_EQ(support::blobs_in(mem_, done.aside).size(), 3u);
  EXPECT_EQ(mem_.content(done.aside + "/.layout"), "bushy");
  expect_owned();
  EXPECT_TRUE(mem_.content(in_data("Data.fs.index")));
  EXPECT_TRUE(support::temporaries(mem_).empty());
}

TEST_F(RestoreTest, PutsAnOlderPairBack) {
  run(repozo::time_of(first_.stamp));
  EXPECT_BYTES(live(), first_school_database_);
  EXPECT_EQ(support::blobs_in(mem_), first_blobs_);
}

TEST_F(RestoreTest, BlobsThatAreGoneComeFromTheArchives) {
  mem_.remove_all(support::kBlobDir);
  mem_.remove_all(in_data("Data.fs"));
  const ExchangeReport done = run();
  EXPECT_BYTES(live(), second_database_);
  EXPECT_EQ(support::blobs_in(mem_), second_blobs_);
  EXPECT_EQ(done.blobs_added, second_blobs_.size());
  EXPECT_TRUE(done.displaced_to.empty());
  expect_owned();
}

TEST_F(RestoreTest, BlobsThatAreInNoArchiveAreMissedByThePlan) {
  mem_.remove_all(support::kBlobDir);
  mem_.remove_all(std::string(support::kRepository) + "/" + archive_name(first_.stamp));
  const auto dry = io::make_read_only_env(mem_);
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { plan_restore(*dry, instance_, std::nullopt); },
      "3 blobs of the backup are not in its archives"));
}

// Of root's own file the server could not make its database again.
TEST_F(RestoreTest, ADatabaseThatWasRootsIsGivenToTheOwnerOfTheFolder) {
  mem_.put_file(in_data("Data.fs"), school_.database(), {0, 0}, 0600);
  back();
  mem_.remove_all(in_data("Data.fs"));
  run();
  EXPECT_BYTES(live(), school_.database());
  EXPECT_EQ(mem_.status(in_data("Data.fs"))->owner, support::kSchoolOwner);
}

// On a new machine the number of the server's user is another.
TEST_F(RestoreTest, WithoutALiveDatabaseTheOwnerIsThatOfTheFolder) {
  constexpr io::Owner kNewOwner = {777, 778};
  mem_.remove_all(support::kDataDir);
  try {
    plan_restore(mem_, instance_, std::nullopt);
    ADD_FAILURE() << "there is no folder to restore to";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_NE(error.hint().find("install -d"), std::string::npos);
  }
  mem_.put_dir(support::kDataDir, kNewOwner, 0750);
  run();
  EXPECT_BYTES(live(), second_database_);
  EXPECT_EQ(mem_.status(in_data("Data.fs"))->owner, kNewOwner);
  for (const auto& [path, content] : support::blobs_in(mem_)) {
    for (std::string name = "/" + path; !name.empty(); name.resize(name.rfind('/')))
      EXPECT_EQ(mem_.status(support::kBlobDir + name)->owner, kNewOwner) << name;
  }
}

TEST_F(RestoreTest, ABlobOfTheWrongSizeIsReplacedAndKept) {
  const std::string path = std::string(support::kBlobDir) + "/" + first_blobs_.begin()->first;
  mem_.put_file(path, "cut", support::kSchoolOwner, 0400);
  run();
  EXPECT_EQ(mem_.content(path), first_blobs_.begin()->second);
  EXPECT_EQ(mem_.content(path + ".damaged"), "cut");
}

TEST_F(RestoreTest, WithoutABlobFolderABackupWithBlobsIsRefused) {
  instance_.blob_dir.clear();
  EXPECT_TRUE(fails_with(
      ErrorKind::not_found, [&] { run(); }, "no blob folder is configured"));
  EXPECT_BYTES(live(), school_.database());
}

// The blob folder is a file system of its own: nothing can be moved out of it.
TEST_F(RestoreTest, BlobsThatCannotBeMovedStay) {
  const auto mounted = io::make_hooked_env(mem_, [](const io::Operation& operation) {
    if (operation.name == "rename" && operation.path.ends_with(".blob"))
      throw base::Error::from_errno("rename", operation.path, EXDEV);
    return io::no_limit;
  });
  const auto before = support::blobs_in(mem_);
  tick();
  const ExchangeReport done =
      restore(*mounted, instance_, plan_restore(*mounted, instance_, std::nullopt), {});
  EXPECT_BYTES(live(), second_database_);
  EXPECT_EQ(support::blobs_in(mem_), before);
  EXPECT_EQ(done.blobs_moved, 0u);
  EXPECT_EQ(done.blobs_left, 3u);
  EXPECT_EQ(done.aside, "");
  for (const std::string& name : mem_.list(support::kDataDir))
    EXPECT_FALSE(name.starts_with("blobs.")) << name;
  EXPECT_EQ(load_restore_state(*upgrade::open_state(mem_, "standard"))->phase, RestorePhase::done);
  tick();
  restore(*mounted, instance_, plan_undo(*mounted, instance_), {});
  EXPECT_BYTES(live(), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
}

TEST_F(RestoreTest, TheServerRunsAgainIfBlobsCannotBeAdded) {
  mem_.remove_all(support::kBlobDir);
  machine_.start_server();
  const auto full = io::make_hooked_env(mem_, [](const io::Operation& operation) {
    if (operation.name == "create_file" && operation.path.starts_with(support::kBlobDir))
      throw base::Error::from_errno("write", operation.path, ENOSPC);
    return io::no_limit;
  });
  const RestorePlan plan = plan_restore(*full, instance_, std::nullopt);
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { restore(*full, instance_, plan, {}); }));
  EXPECT_BYTES(live(), school_.database());
  EXPECT_TRUE(upgrade::DataFolder(mem_, instance_).server_is_running());
}

// Killed between the server's stop and the swap: whoever runs the command again wants the server back, too.
TEST_F(RestoreTest, AServerThatAnInterruptedRunStoppedIsStartedByTheNext) {
  struct Killed {};
  machine_.start_server();
  const auto killed = io::make_hooked_env(mem_, [](const io::Operation& operation) -> std::uint64_t {
    if (operation.name == "rename" && operation.path.ends_with("Data.fs.restore")) throw Killed();
    return io::no_limit;
  });
  const RestorePlan plan = plan_restore(*killed, instance_, std::nullopt);
  EXPECT_THROW(restore(*killed, instance_, plan, {}), Killed);
  EXPECT_FALSE(upgrade::DataFolder(mem_, instance_).server_is_running());
  EXPECT_TRUE(run().started);
  EXPECT_TRUE(upgrade::DataFolder(mem_, instance_).server_is_running());
}

TEST_F(RestoreTest, ThePlanOfAnUndoTellsWhichBlobsAreLost) {
  const ExchangeReport done = run();
  EXPECT_EQ(plan_undo(mem_, instance_).blobs_missing, 0u);
  mem_.remove_all(done.aside);
  EXPECT_EQ(plan_undo(mem_, instance_).blobs_missing, 3u);
}

TEST_F(RestoreTest, UndoBringsBackWhatWasReplaced) {
  run(repozo::time_of(first_.stamp));
  const ExchangeReport undone = undo();
  EXPECT_BYTES(live(), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
  EXPECT_BYTES(mem_.content(undone.displaced_to), first_school_database_);
  expect_owned();
}

TEST_F(RestoreTest, UndoCanBeUndone) {
  run(repozo::time_of(first_.stamp));
  undo();
  undo();
  EXPECT_BYTES(live(), first_school_database_);
  EXPECT_EQ(support::blobs_in(mem_), first_blobs_);
}

TEST_F(RestoreTest, WithoutARestoreThereIsNothingToUndo) {
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { undo(); }));
}

TEST_F(RestoreTest, ThePlanSaysWhatWouldBeLost) {
  machine_.start_server();
  const auto dry = io::make_read_only_env(mem_);
  const RestorePlan plan = plan_restore(*dry, instance_, repozo::time_of(first_.stamp));
  EXPECT_EQ(plan.record.stamp, first_.stamp);
  EXPECT_EQ(plan.transactions_lost, 3u);
  EXPECT_EQ(plan.live_size, school_.database().size());
  EXPECT_TRUE(plan.server_runs);
  EXPECT_EQ(plan.blobs_to_add, 0u);
}

TEST_F(RestoreTest, AMomentBetweenTwoBackupsMeansTheEarlier) {
  base::UtcTime moment = *repozo::time_of(second_.stamp);
  moment.seconds -= 1;
  EXPECT_EQ(plan_restore(mem_, instance_, moment).record.stamp, first_.stamp);
  moment = *repozo::time_of(first_.stamp);
  moment.seconds -= 1;
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { plan_restore(mem_, instance_, moment); }));
}

TEST_F(RestoreTest, ADamagedRecordOfTheBackupThatIsMeantIsRefused) {
  const auto damage = [&](const Record& record) {
    mem_.put_file(std::string(support::kRepository) + "/" + record_name(record.stamp), "{}");
  };
  const auto moment_of = [](const Record& record) { return *repozo::time_of(record.stamp); };
  damage(second_);
  const auto before = live();
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { run(); }, second_.stamp));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { run(moment_of(second_)); }, second_.stamp));
  EXPECT_EQ(live(), before);
  run(moment_of(first_));
  EXPECT_BYTES(live(), first_school_database_);
}

TEST_F(RestoreTest, AMissingRecordOfTheLastGoodBackupIsRefusedToo) {
  mem_.remove_all(std::string(support::kRepository) + "/" + record_name(second_.stamp));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { run(); }, "is missing"));
  EXPECT_BYTES(live(), school_.database());
  run(repozo::time_of(first_.stamp));
  EXPECT_BYTES(live(), first_school_database_);
}

TEST_F(RestoreTest, ADamagedRecordOfAnotherBackupIsTold) {
  mem_.put_file(std::string(support::kRepository) + "/" + record_name(first_.stamp), "{}");
  const RestorePlan plan = plan_restore(mem_, instance_, std::nullopt);
  ASSERT_EQ(plan.problems.size(), 1u);
  EXPECT_NE(plan.problems[0].find(first_.stamp), std::string::npos);
  EXPECT_EQ(plan.record.stamp, second_.stamp);
  run();
  EXPECT_BYTES(live(), second_database_);
}

// Killed when the older pair was live already; then a backup was made, and the command is given again.
TEST_F(RestoreTest, AnInterruptedRunIsFinishedAndNothingElseIsDone) {
  run(*repozo::time_of(first_.stamp));
  const auto state = upgrade::open_state(mem_, "standard");
  RestoreState interrupted = *load_restore_state(*state);
  interrupted.phase = RestorePhase::clearing;
  save_restore_state(*state, interrupted, mem_);
  back();
  const auto before = mem_.list(support::kDataDir);
  EXPECT_TRUE(plan_restore(mem_, instance_, std::nullopt).finishes);
  const ExchangeReport done = run();
  EXPECT_TRUE(done.finished_earlier_run);
  EXPECT_FALSE(done.as_asked);
  EXPECT_EQ(mem_.list(support::kDataDir), before);
  EXPECT_BYTES(live(), first_school_database_);
  EXPECT_FALSE(run().finished_earlier_run);
}

TEST_F(RestoreTest, AnotherFileWithTheInodeOfTheRestoredOneIsNotTakenForIt) {
  const auto state = upgrade::open_state(mem_, "standard");
  RestoreState interrupted;
  interrupted.phase = RestorePhase::swapping;
  interrupted.from = second_.stamp;
  interrupted.wanted.size = second_.end;
  interrupted.wanted.last_tid = second_.last_tid + 1;
  interrupted.new_inode = mem_.status(in_data("Data.fs"))->inode;
  save_restore_state(*state, interrupted, mem_);
  EXPECT_FALSE(run().finished_earlier_run);
  EXPECT_BYTES(live(), second_database_);
}

TEST_F(RestoreTest, ThatTheServerIsToBeStartedIsKnownBeforeItIsStopped) {
  machine_.start_server();
  bool stopped = false;
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "run" && !stopped) {
      stopped = true;
      const auto state = load_restore_state(*upgrade::open_state(mem_, "standard"));
      EXPECT_TRUE(state && state->start_server);
    }
    return io::no_limit;
  });
  tick();
  restore(*env, instance_, plan_restore(*env, instance_, std::nullopt), {});
  EXPECT_TRUE(stopped);
}

TEST_F(RestoreTest, StopsTheServerAndStartsItAgain) {
  machine_.start_server();
  const ExchangeReport done = run();
  EXPECT_TRUE(done.started);
  EXPECT_TRUE(machine_.server_runs());
  EXPECT_BYTES(live(), second_database_);
}

TEST_F(RestoreTest, AServerThatDoesNotStopIsLeftAlone) {
  machine_.start_server();
  machine_.stops = false;
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { run(); }));
  EXPECT_BYTES(live(), school_.database());
  EXPECT_EQ(support::blobs_in(mem_), school_.blobs());
  EXPECT_TRUE(support::displaced(mem_).empty());
}

TEST_F(RestoreTest, ADamagedPieceIsRefusedBeforeTheServerIsStopped) {
  machine_.start_server();
  const std::string path = std::string(support::kRepository) + "/" + first_.file;
  std::string damaged = *mem_.content(path);
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  mem_.put_file(path, damaged);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { run(); }));
  EXPECT_TRUE(machine_.commands.empty());
  EXPECT_BYTES(live(), school_.database());
  EXPECT_TRUE(mem_.list(in_data(".schooltool-dbtools")).empty());
}

TEST_F(RestoreTest, ADamagedBlobIsRefusedBeforeTheServerIsStopped) {
  machine_.start_server();
  mem_.remove_all(support::kBlobDir);
  const std::string path = std::string(support::kRepository) + "/" + archive_name(first_.stamp);
  std::string damaged = *mem_.content(path);
  const std::size_t at = damaged.find("blob 0");
  damaged[at] = 'B';
  mem_.put_file(path, damaged);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { run(); }));
  EXPECT_TRUE(machine_.commands.empty());
  EXPECT_BYTES(live(), school_.database());
}

TEST_F(RestoreTest, AMissingArchiveIsRefused) {
  mem_.remove_all(support::kBlobDir);
  mem_.remove_all(std::string(support::kRepository) + "/" + archive_name(first_.stamp));
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { run(); }));
  EXPECT_BYTES(live(), school_.database());
}

TEST_F(RestoreTest, TooLittleSpaceIsRefused) {
  mem_.set_capacity(1 << 20);
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { run(); }));
  EXPECT_BYTES(live(), school_.database());
}

TEST_F(RestoreTest, AnOpenUpgradeIsClosed) {
  support::begin(mem_, instance_);
  run();
  EXPECT_FALSE(support::journal_of(mem_, instance_).open);
  machine_.packages["schooltool"] = "installed";
  support::check_as(mem_, upgrade::Caller::dpkg_done, instance_);
  EXPECT_BYTES(live(), second_database_);
}

TEST_F(RestoreTest, WhatIsBackedUpAfterwardsCanBeRestoredToo) {
  run(repozo::time_of(first_.stamp));
  const Record after = back();
  EXPECT_TRUE(after.full());
  EXPECT_EQ(after.new_blobs, 0u);
  mem_.remove_all(support::kBlobDir);
  mem_.remove_all(in_data("Data.fs"));
  run();
  EXPECT_BYTES(live(), first_school_database_);
  EXPECT_EQ(support::blobs_in(mem_), first_blobs_);
}

}  // namespace
}  // namespace backup
