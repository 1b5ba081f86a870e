#include "backup/backup.h"

#include <gtest/gtest.h>

#include "backup/stored_blobs.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "support/file_builder.h"
#include "unit/backup/backup_case.h"

namespace backup {
namespace {

using base::ErrorKind;
using repozo::Action;
using support::BlobSchool;
using support::fails_with;

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
  const auto all = extracted(report.pair.record.archives);
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
  const auto all = extracted(last.pair.record.archives);
  for (const auto& [path, content] : school_.blobs()) EXPECT_EQ(all.at(path), content);
  // The first archive holds revisions that are still current, so it stays.
  EXPECT_EQ(names(".blobs.tar").size(), 2u);
}

// A disk that does not give back what was written: such a backup must not count.
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
  EXPECT_NE(ran[0].find("run-parts --report -- /etc/schooltool-dbtools/backup.pre.d"), std::string::npos);
  EXPECT_NE(ran[1].find("SCHOOLTOOL_DB_OUTCOME=full"), std::string::npos);
  status = 1;
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { run(); }, "no mount"));
  EXPECT_NE(ran.back().find("SCHOOLTOOL_DB_OUTCOME=failed"), std::string::npos);
}

// A mistake in the configuration must not give backups without blobs that look like good ones.
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
