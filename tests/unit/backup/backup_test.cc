#include "backup/backup.h"

#include <gtest/gtest.h>

#include "backup/archive.h"
#include "backup/names.h"
#include "backup/stored_blobs.h"
#include "io/hooked_env.h"
#include "support/blob_scene.h"
#include "support/errors.h"
#include "support/file_builder.h"
#include "support/scene.h"
#include "support/tar.h"

namespace backup {
namespace {

using base::ErrorKind;
using repozo::Action;
using support::BlobSchool;
using support::fails_with;
using Blobs = std::map<std::string, std::string>;

class BackupTest : public testing::Test {
 protected:
  BackupTest() : machine_(mem_) {
    school_.commit({1, 2, 3});
    school_.commit({2, 4});
    school_.put(mem_);
  }

  BackupReport run(bool full = false) {
    BackupRequest request;
    request.full = full;
    return run(request);
  }
  BackupReport run(const BackupRequest& request) {
    later(60);
    return back_up(mem_, instance_, request);
  }
  void later(int seconds) {
    base::UtcTime now = mem_.now();
    now.seconds += seconds;
    mem_.set_now(now);
  }
  std::vector<std::string> names(std::string_view suffix) {
    std::vector<std::string> found;
    for (const std::string& name : mem_.list(support::kRepository)) {
      if (name.ends_with(suffix)) found.push_back(name);
    }
    return found;
  }
  // What tar -x of these archives in order leaves, without the marker.
  Blobs extracted(const std::vector<std::string>& archives) {
    Blobs all;
    for (const std::string& stamp : archives) {
      for (auto& [path, content] :
           support::untar(*mem_.content(std::string(support::kRepository) + "/" + archive_name(stamp)))) {
        if (path != ".layout") all[path] = content;
      }
    }
    return all;
  }
  Outcome outcome() { return load_outcome(*upgrade::open_state(mem_, "standard")); }

  io::MemEnv mem_;
  support::Machine machine_;
  BlobSchool school_;
  upgrade::Instance instance_ = support::blob_instance();
};

TEST_F(BackupTest, TheFirstHoldsTheDatabaseAndEveryBlob) {
  const BackupReport report = run();
  EXPECT_EQ(report.pair.action, Action::full);
  EXPECT_TRUE(report.warnings.empty());
  const Record& record = report.pair.record;
  EXPECT_EQ(mem_.content(std::string(support::kRepository) + "/" + record.file), school_.database());
  EXPECT_EQ(record.end, school_.database().size());
  EXPECT_EQ(record.blobs, 5u);
  EXPECT_EQ(record.new_blobs, 5u);
  EXPECT_EQ(extracted(record.archives), school_.blobs());
  EXPECT_EQ(record.owner, support::kSchoolOwner);
  EXPECT_EQ(record.mode, support::kSchoolMode);
  EXPECT_EQ(outcome().stamp, record.stamp);
  EXPECT_TRUE(outcome().good);
}

TEST_F(BackupTest, TheNextHoldsOnlyWhatIsNew) {
  const BackupReport first = run();
  school_.commit({1, 9});
  school_.put(mem_);
  const BackupReport second = run();
  EXPECT_EQ(second.pair.action, Action::increment);
  const Record& record = second.pair.record;
  EXPECT_EQ(record.new_blobs, 2u);
  EXPECT_EQ(record.blobs, 7u);
  EXPECT_EQ(record.archives.size(), 2u);
  EXPECT_EQ(extracted({record.stamp}).size(), 2u);
  EXPECT_EQ(extracted(record.archives), school_.blobs());
}

TEST_F(BackupTest, WithoutAChangeNothingIsWritten) {
  const BackupReport first = run();
  const auto before = mem_.list(support::kRepository);
  const base::UtcTime good = *outcome().good;
  const BackupReport again = run();
  EXPECT_EQ(again.pair.action, Action::none);
  EXPECT_EQ(again.pair.record.stamp, first.pair.record.stamp);
  EXPECT_EQ(mem_.list(support::kRepository), before);
  EXPECT_GT(*outcome().good, good);
}

TEST_F(BackupTest, WithoutNewBlobsThereIsNoArchive) {
  run();
  school_.commit({});
  school_.put(mem_);
  const BackupReport report = run();
  EXPECT_EQ(report.pair.action, Action::increment);
  EXPECT_EQ(names(".blobs.tar").size(), 1u);
  EXPECT_EQ(report.pair.record.archives.size(), 1u);
  EXPECT_EQ(report.pair.record.blobs, 5u);
}

TEST_F(BackupTest, AFullOneAfterAPackStoresNoBlobTwice) {
  run();
  school_.commit({1, 9});
  school_.pack();
  mem_.remove_all(support::kBlobDir);
  mem_.remove_all(support::in_data("Data.fs"));
  school_.put(mem_);
  const BackupReport report = run();
  EXPECT_EQ(report.pair.action, Action::full);
  EXPECT_FALSE(report.pair.larger);
  EXPECT_EQ(report.pair.record.new_blobs, 2u);
  EXPECT_EQ(report.pair.record.blobs, school_.blobs().size());
  const Blobs all = extracted(report.pair.record.archives);
  for (const auto& [path, content] : school_.blobs()) EXPECT_EQ(all.at(path), content);
}

TEST_F(BackupTest, OneThatShrankWithoutAPackIsAnAlarmAndKeepsTheOldOnes) {
  instance_.settings.backup_keep = instance_.settings.backup_keep_min = 1;
  run();
  BlobSchool blank;
  mem_.remove_all(support::in_data("Data.fs"));
  blank.put(mem_);
  const BackupReport report = run();
  EXPECT_EQ(report.pair.action, Action::full);
  ASSERT_TRUE(report.pair.larger);
  EXPECT_EQ(report.warnings.size(), 1u);
  EXPECT_FALSE(outcome().alarm.empty());
  EXPECT_EQ(names(".backup").size(), 2u);
  EXPECT_EQ(run().warnings.size(), 1u);
  EXPECT_FALSE(outcome().alarm.empty());
}

// A blank database that was packed since is still not the one of before.
TEST_F(BackupTest, OneWithoutAnythingOfBeforeIsAnAlarmAlsoIfItWasPacked) {
  run();
  std::string blank;
  support::FileBuilder builder([&](std::string_view part) { blank += part; });
  builder.begin(base::tid_of({1760000000, 0}), "", "initial database creation");
  builder.record(0, "cpersistent.mapping\nPersistentMapping\n.}.");
  builder.finish('p');
  mem_.remove_all(support::in_data("Data.fs"));
  mem_.put_file(support::in_data("Data.fs"), blank, support::kSchoolOwner, support::kSchoolMode);
  EXPECT_TRUE(run().pair.larger);
}

// What a school finds on Monday: its backup of Friday, whatever was backed up since.
TEST_F(BackupTest, TheOldOnesStayHoweverManyBackupsTheSmallerOneGets) {
  instance_.settings.backup_keep = instance_.settings.backup_keep_min = 1;
  const std::string good = run().pair.record.stamp;
  BlobSchool blank;
  mem_.remove_all(support::in_data("Data.fs"));
  for (int night = 0; night < 4; ++night) {
    blank.put(mem_);
    BackupRequest request;
    request.full = night == 3;
    const BackupReport report = run(request);
    ASSERT_TRUE(report.pair.larger) << night;
    EXPECT_EQ(report.pair.larger->stamp, good);
    EXPECT_EQ(report.warnings.size(), 1u);
    EXPECT_TRUE(report.removed.empty());
    EXPECT_FALSE(outcome().alarm.empty());
    EXPECT_TRUE(mem_.content(std::string(support::kRepository) + "/" + good + ".fs"));
    blank.commit({});
  }
  // The school's database comes back.
  mem_.remove_all(support::in_data("Data.fs"));
  school_.commit({});
  school_.put(mem_);
  const BackupReport back = run();
  EXPECT_FALSE(back.pair.larger);
  EXPECT_TRUE(back.warnings.empty());
  EXPECT_TRUE(outcome().alarm.empty());
}

// With and without something new to back up in that run.
class AcceptedTest : public BackupTest, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Backup, AcceptedTest, testing::Bool());

TEST_P(AcceptedTest, APersonMaySayThatTheSmallerOneIsRight) {
  instance_.settings.backup_keep = instance_.settings.backup_keep_min = 1;
  const std::string good = run().pair.record.stamp;
  BlobSchool blank;
  mem_.remove_all(support::in_data("Data.fs"));
  blank.put(mem_);
  run();
  BackupRequest request;
  request.accept = true;
  if (GetParam()) {
    blank.commit({});
    blank.put(mem_);
  }
  const BackupReport report = run(request);
  EXPECT_FALSE(report.pair.larger);
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_TRUE(outcome().alarm.empty());
  EXPECT_FALSE(mem_.content(std::string(support::kRepository) + "/" + good + ".fs"));
  blank.commit({});
  blank.put(mem_);
  EXPECT_FALSE(run().pair.larger);
}

// A disk that loses data in the middle of the file: the next full backup would be of that.
TEST_F(BackupTest, TheOldOnesStayWhenAFullOneShowsThatTheMiddleHasChanged) {
  instance_.settings.backup_keep = instance_.settings.backup_keep_min = 1;
  const std::string good = run().pair.record.stamp;
  BackupReport report;
  for (const bool full : {true, false, true}) {
    school_.commit({});
    std::string more = school_.database();
    more[more.find("state")] = 'S';
    machine_.put("Data.fs", more);
    report = run(full);
    EXPECT_EQ(report.pair.action, full ? Action::full : Action::increment);
    ASSERT_EQ(report.warnings.size(), 1u);
    EXPECT_NE(report.warnings[0].find("in the data of object"), std::string::npos) << report.warnings[0];
    EXPECT_NE(outcome().alarm.find("has changed at byte"), std::string::npos);
    EXPECT_TRUE(report.removed.empty());
    EXPECT_TRUE(mem_.content(std::string(support::kRepository) + "/" + good + ".fs"));
  }
  BackupRequest request;
  request.accept = request.full = true;
  report = run(request);
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_TRUE(outcome().alarm.empty());
  EXPECT_FALSE(mem_.content(std::string(support::kRepository) + "/" + good + ".fs"));
}

TEST_F(BackupTest, ABlobThatCameBackIsStoredByTheNextRun) {
  const auto [lost, content] = *school_.blobs().begin();
  mem_.remove_all(std::string(support::kBlobDir) + "/" + lost);
  EXPECT_EQ(run().pair.record.missing, 1u);
  school_.put(mem_);
  const BackupReport unchanged = run();  // the database did not change
  EXPECT_EQ(unchanged.pair.record.missing, 0u);
  EXPECT_EQ(extracted(unchanged.pair.record.archives).at(lost), content);
  EXPECT_TRUE(unchanged.warnings.empty());
}

TEST_F(BackupTest, ABlobThatCameBackIsStoredWithTheNextIncrement) {
  const auto [lost, content] = *school_.blobs().begin();
  mem_.remove_all(std::string(support::kBlobDir) + "/" + lost);
  run();
  school_.commit({});
  school_.put(mem_);
  const BackupReport report = run();
  EXPECT_EQ(report.pair.action, Action::increment);
  EXPECT_EQ(report.pair.record.missing, 0u);
  EXPECT_EQ(report.pair.record.blobs, school_.blobs().size());
  EXPECT_EQ(extracted(report.pair.record.archives).at(lost), content);
}

TEST_F(BackupTest, MissingBlobsAreToldAndTheRestIsKept) {
  const std::string lost = school_.blobs().begin()->first;
  mem_.remove_all(std::string(support::kBlobDir) + "/" + lost);
  const BackupReport report = run();
  EXPECT_EQ(report.pair.record.missing, 1u);
  EXPECT_EQ(report.pair.record.missing_names, std::vector<std::string>{lost});
  EXPECT_EQ(report.pair.record.new_blobs, 4u);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_NE(report.warnings[0].find(lost), std::string::npos);
}

TEST_F(BackupTest, ABlobThatIsALinkFailsTheBackup) {
  const std::string path = std::string(support::kBlobDir) + "/" + school_.blobs().begin()->first;
  mem_.remove_all(path);
  mem_.put_file("/etc/shadow", "secret");
  mem_.put_symlink(path, "/etc/shadow", support::kSchoolOwner);
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { run(); }));
  EXPECT_TRUE(names(".backup").empty());
  EXPECT_FALSE(outcome().good);
  EXPECT_FALSE(outcome().failure.empty());
}

TEST_F(BackupTest, WhatAnInterruptedRunLeftIsCompleted) {
  const BackupReport first = run();
  school_.commit({5});
  school_.put(mem_);
  const BackupReport second = run();
  // As if it had been killed before the record.
  mem_.remove_all(std::string(support::kRepository) + "/" + record_name(second.pair.record.stamp));
  const BackupReport again = run();
  EXPECT_EQ(again.pair.action, Action::none);
  EXPECT_EQ(again.pair.record.stamp, second.pair.record.stamp);
  EXPECT_EQ(extracted(again.pair.record.archives), school_.blobs());
  EXPECT_EQ(again.pair.record.blobs, school_.blobs().size());
}

TEST_F(BackupTest, BlobsWhoseArchiveIsGoneAreStoredAgain) {
  const BackupReport first = run();
  mem_.remove_all(std::string(support::kRepository) + "/" + archive_name(first.pair.record.stamp));
  school_.commit({5});
  school_.put(mem_);
  const BackupReport second = run();
  EXPECT_EQ(second.pair.record.new_blobs, school_.blobs().size());
  EXPECT_FALSE(second.warnings.empty());
  EXPECT_EQ(extracted(second.pair.record.archives), school_.blobs());
}

TEST_F(BackupTest, AnOldFullBackupIsFollowedByANewOne) {
  run();
  later(static_cast<int>(instance_.settings.backup_max_age_of_full));
  school_.commit({});
  school_.put(mem_);
  EXPECT_EQ(run().pair.action, Action::full);
}

TEST_F(BackupTest, OldChainsGoAndTheArchivesNobodyNeedsWithThem) {
  instance_.settings.backup_keep = 2;
  run();
  school_.commit({1});
  school_.pack();  // from here on the older revisions are needed by nobody
  mem_.remove_all(support::kDataDir);
  school_.put(mem_);
  run(true);
  school_.commit({});
  school_.put(mem_);
  const BackupReport last = run(true);
  EXPECT_FALSE(last.removed.empty());
  EXPECT_EQ(names(".backup").size(), 2u);
  EXPECT_EQ(names(".fs").size(), 2u);
  const Blobs all = extracted(last.pair.record.archives);
  for (const auto& [path, content] : school_.blobs()) EXPECT_EQ(all.at(path), content);
  // The first archive holds revisions that are still current, so it stays.
  EXPECT_EQ(names(".blobs.tar").size(), 2u);
}

TEST_F(BackupTest, IsNeverMadeBesideAnotherCommand) {
  const auto state = upgrade::open_state(mem_, "standard");
  const io::FileLock lock = upgrade::lock_instance(*state, "schooltool-db-pack", 0, mem_);
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { run(); }, "schooltool-db-pack"));
  EXPECT_FALSE(outcome().failure.empty());
}

TEST_F(BackupTest, WaitsForAnUpgradeToBeFoundGood) {
  support::begin(mem_, instance_);
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { run(); }, "upgrade"));
  machine_.packages["schooltool"] = "installed";
  support::check_as(mem_, upgrade::Caller::dpkg_done, instance_);
  EXPECT_EQ(run().pair.action, Action::full);
}

TEST_F(BackupTest, IsRefusedBeforeAnythingIsWrittenIfSpaceIsShort) {
  mem_.put_dir(support::kRepository);
  mem_.put_dir("/var/backups/schooltool");
  mem_.set_capacity(600000);
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { run(); }));
  for (const std::string& name : mem_.list(support::kRepository)) EXPECT_EQ(name[0], '.') << name;
}

TEST_F(BackupTest, RoomForTheBlobsIsAskedForBeforeAnyIsCopied) {
  constexpr std::uint64_t kPlenty = 1 << 30;
  mem_.put_dir(support::kRepository);
  mem_.set_capacity(kPlenty);
  const std::uint64_t used = kPlenty - mem_.open_dir("/", io::Links::refuse)->space().free;
  const std::uint64_t for_database = school_.database().size() * 17 / 16 + (1 << 20);
  mem_.set_capacity(used + for_database + 4096);
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { run(); }));
  EXPECT_EQ(names(".fs").size(), 1u);
  EXPECT_TRUE(names(".backup").empty());
}

TEST_F(BackupTest, AChainThatLacksAPieceIsNotAddedTo) {
  for (int night = 0; night < 2; ++night) {
    run();
    school_.commit({1});
    school_.put(mem_);
  }
  const std::string middle = run().pair.record.file;
  school_.commit({2});
  school_.put(mem_);
  run();
  mem_.remove_all(std::string(support::kRepository) + "/" + middle);
  school_.commit({3});
  school_.put(mem_);
  const BackupReport report = run();
  EXPECT_EQ(report.pair.action, Action::full);
  EXPECT_EQ(report.pair.reason, "a piece of the last backups is missing");
}

TEST_F(BackupTest, ADatabasePackedMeanwhileIsBackedUpAnew) {
  // The server packs, and removes old revisions, at the moment the blobs are looked for.
  bool packed = false;
  const auto packing = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (!packed && operation.path.find("/blobs/0x00") != std::string::npos) {
      packed = true;
      BlobSchool smaller;
      smaller.commit({1, 2, 3});
      smaller.commit({2, 4});
      smaller.pack();
      mem_.remove_all(support::in_data("Data.fs"));
      for (const auto& [path, content] : school_.blobs()) {
        if (!smaller.blobs().contains(path)) mem_.remove_all(std::string(support::kBlobDir) + "/" + path);
      }
      smaller.put(mem_);
    }
    return io::no_limit;
  });
  later(60);
  const BackupReport report = back_up(*packing, instance_, {});
  EXPECT_TRUE(packed);
  EXPECT_EQ(report.pair.record.missing, 0u);
  EXPECT_EQ(report.pair.record.blobs, 4u);
  EXPECT_EQ(report.pair.record.end, mem_.status(support::in_data("Data.fs"))->size);
}

TEST_F(BackupTest, ABlobThatChangesWhileItIsReadFailsTheBackup) {
  bool changed = false;
  const auto changing = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (!changed && operation.name == "read_some" && operation.path.ends_with(".blob")) {
      changed = true;
      later(1);
      const std::string content = *mem_.content(operation.path);
      const auto folder =
          mem_.open_dir(operation.path.substr(0, operation.path.rfind('/')), io::Links::refuse);
      folder->open_file(operation.path.substr(operation.path.rfind('/') + 1), io::Access::read_write)
          ->write_full(0, base::as_bytes(std::string(content.rbegin(), content.rend())));
    }
    return io::no_limit;
  });
  later(60);
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { back_up(*changing, instance_, {}); }, "changed while it was read"));
  EXPECT_TRUE(names(".backup").empty());
  EXPECT_TRUE(names(".blobs.tar").empty());
}

// A disk that does not give back what was written: such a backup must not count.
TEST_F(BackupTest, WhatDoesNotReadBackAsWrittenIsNoBackup) {
  for (const std::string suffix : {".fs", ".blobs.tar"}) {
    const auto failing = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
      if (operation.name == "drop_cache" && operation.path.starts_with(support::kRepository) &&
          operation.path.ends_with(suffix)) {
        const auto dir = mem_.open_dir(support::kRepository, io::Links::refuse);
        const auto file =
            dir->open_file(operation.path.substr(operation.path.rfind('/') + 1), io::Access::read_write);
        file->write_full(file->status().size / 2, base::as_bytes("another"));
      }
      return io::no_limit;
    });
    later(60);
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { back_up(*failing, instance_, {}); })) << suffix;
    EXPECT_TRUE(names(".backup").empty()) << suffix;
    EXPECT_FALSE(outcome().failure.empty());
  }
}

TEST_F(BackupTest, ADamagedPieceThatNoBackupCountsIsFollowedByAFullOne) {
  const BackupReport first = run();
  const std::string path = std::string(support::kRepository) + "/" + first.pair.record.stamp;
  std::string content = *mem_.content(path + ".fs");
  content[content.size() / 2] ^= 1;
  mem_.put_file(path + ".fs", content, {}, 0600);
  mem_.remove_all(path + ".backup");
  const BackupReport report = run();
  EXPECT_EQ(report.pair.action, Action::full);
  EXPECT_EQ(report.pair.reason, "the last backup is damaged");
  EXPECT_EQ(mem_.content(std::string(support::kRepository) + "/" + report.pair.record.file),
            school_.database());
}

TEST_F(BackupTest, HooksRunBeforeAndAfterAndAreToldTheOutcome) {
  mem_.put_dir("/etc/schooltool-dbtools/backup.pre.d");
  mem_.put_dir("/etc/schooltool-dbtools/backup.post.d");
  std::vector<std::string> ran;
  int status = 0;
  mem_.set_runner([&](const std::vector<std::string>& argv) {
    std::string line;
    for (const std::string& word : argv) line += word + " ";
    ran.push_back(line);
    return io::RunResult{status, "no mount"};
  });
  run();
  ASSERT_EQ(ran.size(), 2u);
  EXPECT_NE(ran[0].find("backup.pre.d"), std::string::npos);
  EXPECT_NE(ran[1].find("SCHOOLTOOL_DB_OUTCOME=full"), std::string::npos);
  status = 1;
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { run(); }, "no mount"));
  EXPECT_NE(ran.back().find("SCHOOLTOOL_DB_OUTCOME=failed"), std::string::npos);
}

TEST_F(BackupTest, ADatabaseWithoutBlobsNeedsNoBlobFolder) {
  instance_.blob_dir.clear();
  BlobSchool plain;
  plain.commit({});
  plain.put(mem_);
  const BackupReport report = run();
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_FALSE(report.pair.record.with_blobs);
  EXPECT_TRUE(names(".blobs.tar").empty());
}

// A mistake in the configuration must not give backups without blobs that look like good ones.
TEST_F(BackupTest, BlobsWithoutABlobFolderAreTold) {
  instance_.blob_dir.clear();
  EXPECT_EQ(plan_pair(mem_, instance_, false).missing, 5u);
  const BackupReport report = run();
  EXPECT_EQ(report.pair.record.missing, 5u);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_NE(report.warnings[0].find("no blob folder is configured"), std::string::npos);
}

TEST_F(BackupTest, ABlobFolderThatIsConfiguredLaterGivesItsBlobsToTheBackupThere) {
  instance_.blob_dir.clear();
  run();
  instance_ = support::blob_instance();
  const BackupReport report = run();
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_EQ(extracted(report.pair.record.archives), school_.blobs());
}

TEST_F(BackupTest, AnIncrementAfterThatHasAllBlobsToo) {
  instance_.blob_dir.clear();
  run();
  instance_ = support::blob_instance();
  school_.commit({9});
  school_.put(mem_);
  const BackupReport report = run();
  EXPECT_EQ(report.pair.action, Action::increment);
  EXPECT_EQ(report.pair.record.blobs, 6u);
  EXPECT_EQ(extracted(report.pair.record.archives), school_.blobs());
}

TEST_F(BackupTest, TheDryRunFindsBlobsThatCameBack) {
  const auto& [path, content] = *school_.blobs().begin();
  mem_.remove_all(std::string(support::kBlobDir) + "/" + path);
  run();
  EXPECT_EQ(plan_pair(mem_, instance_, false).missing, 1u);
  school_.put(mem_);
  const PairPlan plan = plan_pair(mem_, instance_, false);
  EXPECT_FALSE(plan.full);
  EXPECT_EQ(plan.bytes, 0u);
  EXPECT_EQ(plan.new_blobs, 1u);
  EXPECT_EQ(plan.missing, 0u);
}

TEST_F(BackupTest, TheDryRunSaysWhatWouldBeDone) {
  const auto dry = io::make_read_only_env(mem_);
  PairPlan plan = plan_pair(*dry, instance_, false);
  EXPECT_TRUE(plan.full);
  EXPECT_EQ(plan.bytes, school_.database().size());
  EXPECT_EQ(plan.new_blobs, 5u);
  run();
  const std::uint64_t before = school_.database().size();
  school_.commit({7});
  school_.put(mem_);
  plan = plan_pair(*dry, instance_, false);
  EXPECT_FALSE(plan.full);
  EXPECT_EQ(plan.bytes, school_.database().size() - before);
  EXPECT_EQ(plan.new_blobs, 1u);
}

}  // namespace
}  // namespace backup
