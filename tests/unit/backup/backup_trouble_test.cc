// Backups of what is missing, damaged, or changes meanwhile, and those that are refused.
#include <gtest/gtest.h>

#include "backup/backup.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "unit/backup/backup_case.h"

namespace backup {
namespace {

using base::ErrorKind;
using repozo::Action;
using support::BlobSchool;
using support::fails_with;

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

TEST_F(BackupTest, OneThatIsSkippedForgetsNothingOfTheOneAtWork) {
  run();
  const auto state = upgrade::open_state(mem_, "standard");
  const io::FileLock lock = upgrade::lock_instance(*state, "schooltool-db-backup", 0, mem_);
  // The other one is done at the moment at which this one is refused.
  const auto meanwhile = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "try_lock") {
      Outcome theirs = outcome();
      theirs.stamp = "2027-01-14-03-15-00";
      save_outcome(*state, theirs, mem_);
    }
    return io::no_limit;
  });
  later(60);
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { back_up(*meanwhile, instance_, {}); }));
  EXPECT_EQ(outcome().stamp, "2027-01-14-03-15-00");
  EXPECT_FALSE(outcome().failure.empty());
}

TEST_F(BackupTest, ARepositoryThatOthersMayWriteToIsRefused) {
  struct {
    io::Owner owner;
    std::uint32_t mode;
  } const folders[] = {{{0, 0}, 0720}, {{0, 0}, 0702}, {{1000, 0}, 0700}};
  for (const auto& [owner, mode] : folders) {
    mem_.remove_all(support::kRepository);
    mem_.put_dir(support::kRepository, owner, mode);
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { run(); })) << std::oct << mode;
  }
}

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

// Others sweep temporaries under that lock.
TEST_F(BackupTest, TheRepositoryIsLockedUntilTheRecordStands) {
  unsigned looks = 0;
  const auto watched = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "create_file" && operation.path.find(".blobs.tar") != std::string::npos) {
      ++looks;
      repozo::Repository other(mem_, mem_.open_dir(support::kRepository, io::Links::refuse));
      EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { other.lock_and_sweep("repozo -B"); }));
    }
    return io::no_limit;
  });
  later(60);
  back_up(*watched, instance_, {});
  EXPECT_EQ(looks, 1u);
}

}  // namespace
}  // namespace backup
