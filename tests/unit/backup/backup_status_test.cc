#include "backup/backup_status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "backup/names.h"
#include "backup/record.h"
#include "backup/repository_folder.h"
#include "support/blob_scene.h"
#include "support/scene.h"
#include "upgrade/journal.h"

namespace backup {
namespace {

constexpr const char* kStamp = "2027-01-14-03-15-00";

class BackupStatusTest : public testing::Test {
 protected:
  BackupStatusTest() {
    mem_.set_now({1800000000, 0});
    put_backup();
  }
  // The backup that good_at() tells of.
  void put_backup() {
    Record record;
    record.stamp = record.chain = kStamp;
    record.file = std::string(kStamp) + ".fs";
    record.end = 1000;
    record.with_blobs = true;
    record.archives = {kStamp};
    mem_.put_file(in_repository(record.file), std::string(1000, 'x'));
    mem_.put_file(in_repository(archive_name(kStamp)), "tar");
    save_record(*find_repository(mem_, instance_), record, mem_);
  }
  static std::string in_repository(const std::string& name) {
    return std::string(support::kRepository) + "/" + name;
  }
  base::UtcTime ago(std::int64_t seconds) { return {1800000000 - seconds, 0}; }
  void save(const Outcome& outcome) { save_outcome(*upgrade::open_state(mem_, "standard"), outcome, mem_); }
  BackupStatus status(std::optional<base::UtcTime> known_since = std::nullopt) {
    return backup_status(mem_, instance_, known_since);
  }

  io::MemEnv mem_;
  upgrade::Instance instance_ = support::blob_instance();
};

Outcome good_at(base::UtcTime time) {
  Outcome outcome;
  outcome.good = outcome.tried = time;
  outcome.stamp = kStamp;
  outcome.size = 2000000;
  outcome.before = 1500000;
  return outcome;
}

TEST_F(BackupStatusTest, AGoodRecentBackupIsNoAlarm) {
  save(good_at(ago(3600)));
  EXPECT_EQ(status().alarm, "");
  const std::string text = backup_status_text(status(), mem_.now());
  EXPECT_NE(text.find("last backup     1"), std::string::npos) << text;
  EXPECT_NE(text.find("500.0 kB more than the one before"), std::string::npos) << text;
}

TEST_F(BackupStatusTest, AnOldOneIs) {
  save(good_at(ago(instance_.settings.backup_max_age + 10)));
  EXPECT_NE(status().alarm.find("the last good backup is"), std::string::npos);
  instance_.settings.backup_max_age *= 2;
  EXPECT_EQ(status().alarm, "");
}

// Its age would not tell for years that there is none any more.
TEST_F(BackupStatusTest, SoIsOneOfTheFuture) {
  save(good_at(ago(-3600)));
  EXPECT_EQ(status().alarm, "");
  save(good_at(ago(-2 * 86400)));
  EXPECT_NE(status().alarm.find("of the future"), std::string::npos);
}

TEST_F(BackupStatusTest, SoIsNoneAtAllOnceThereWasTimeForOne) {
  EXPECT_EQ(status().alarm, "");
  EXPECT_EQ(status(ago(3600)).alarm, "");
  EXPECT_EQ(status(ago(instance_.settings.backup_max_age + 10)).alarm, "there is no backup yet");
}

TEST_F(BackupStatusTest, ABackupThatIsNotThereAnyMoreIsAnAlarm) {
  save(good_at(ago(3600)));
  const std::pair<std::string, const char*> files[] = {{kStamp + std::string(".backup"), "the record of"},
                                                       {kStamp + std::string(".fs"), "is not whole"},
                                                       {archive_name(kStamp), "the blobs of"}};
  for (const auto& [name, words] : files) {
    const std::string content = *mem_.content(in_repository(name));
    mem_.remove_all(in_repository(name));
    EXPECT_NE(status().alarm.find(words), std::string::npos) << name << ": " << status().alarm;
    mem_.put_file(in_repository(name), content);
    EXPECT_EQ(status().alarm, "") << name;
  }
  mem_.put_file(in_repository(kStamp + std::string(".fs")), std::string(999, 'x'));
  EXPECT_NE(status().alarm.find("is not whole"), std::string::npos);
  mem_.remove_all(support::kRepository);
  EXPECT_NE(status().alarm.find("there is no folder"), std::string::npos);
}

TEST_F(BackupStatusTest, BackupsThatAreOffAreNoAlarm) {
  save(good_at(ago(100 * 86400)));
  instance_.settings.backup = false;
  EXPECT_EQ(status().alarm, "");
  EXPECT_NE(backup_status_text(status(), mem_.now()).find("backups are off"), std::string::npos);
}

TEST_F(BackupStatusTest, ShrinkingAndMissingBlobsAreAlarms) {
  Outcome outcome = good_at(ago(60));
  outcome.alarm = "the database shrank without a pack";
  save(outcome);
  EXPECT_EQ(status().alarm, outcome.alarm);
  outcome.alarm.clear();
  outcome.missing = 2;
  save(outcome);
  EXPECT_NE(status().alarm.find("2 blobs are missing"), std::string::npos);
}

TEST_F(BackupStatusTest, AFailureIsToldButAlarmsOnlyWithoutAGoodOne) {
  Outcome outcome = good_at(ago(3600));
  outcome.failure = "no space";
  save(outcome);
  EXPECT_EQ(status().alarm, "");
  EXPECT_NE(backup_status_text(status(), mem_.now()).find("no space"), std::string::npos);
  outcome.good.reset();
  save(outcome);
  EXPECT_NE(status().alarm.find("no space"), std::string::npos);
}

TEST_F(BackupStatusTest, OutcomesAreReadBackAsWritten) {
  Outcome outcome = good_at(ago(60));
  outcome.failure = "f";
  outcome.alarm = "a";
  outcome.blobs = 3;
  outcome.larger = Larger{kStamp, 7000, 0x0123456789abcdef};
  save(outcome);
  const Outcome read = load_outcome(*upgrade::open_state(mem_, "standard"));
  EXPECT_EQ(read.good, outcome.good);
  EXPECT_EQ(read.before, outcome.before);
  EXPECT_EQ(read.failure, "f");
  EXPECT_EQ(read.alarm, "a");
  EXPECT_EQ(read.blobs, 3u);
  ASSERT_TRUE(read.larger);
  EXPECT_EQ(read.larger->stamp, kStamp);
  EXPECT_EQ(read.larger->size, 7000u);
  EXPECT_EQ(read.larger->last_tid, 0x0123456789abcdefu);
  mem_.put_file(std::string(upgrade::kStateRoot) + "/standard/backup.json", "{\"half");
  EXPECT_FALSE(load_outcome(*upgrade::open_state(mem_, "standard")).good);
}

}  // namespace
}  // namespace backup
