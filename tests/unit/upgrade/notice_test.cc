#include "upgrade/notice.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/mem_env.h"
#include "support/scene.h"

namespace upgrade {
namespace {

using Lines = std::vector<std::string>;

Judgement judgement(Verdict verdict, const std::string& reason) {
  Judgement result;
  result.verdict = verdict;
  result.reason = reason;
  return result;
}

OpenUpgrade upgrade() {
  OpenUpgrade open;
  open.before = Before::database;
  open.data_dir = support::kDataDir;
  open.data_name = "Data.fs";
  open.packages = {{"schooltool", "1.0", "2.0"}};
  open.database.size = 5'000'000;
  open.database.objects = 710;
  open.database.last_tid = base::tid_of({1767346200, 0});
  return open;
}

TEST(Notice, TellsWhatWasPutBackAndWhereTheRestIs) {
  RollbackReport done;
  done.displaced_to = "/var/lib/schooltool/Data.fs.blank-20260101T000000Z";
  done.started = true;
  const Lines lines =
      rolled_back_notice(support::school_instance(), judgement(Verdict::blank, "4 transactions"), upgrade(),
                         upgrade().database, "/var/lib/schooltool/Data.fs.0", done);
  EXPECT_EQ(
      lines,
      (Lines{
          "instance standard: the database '/var/lib/schooltool/Data.fs' is blank (4 transactions) after the "
          "upgrade of schooltool 1.0 -> 2.0",
          "the database of before was put back from '/var/lib/schooltool/Data.fs.0' (5.0 MB, 710 objects, "
          "last transaction 2026-01-02T09:30:00Z)",
          "what the upgrade had left is kept as '/var/lib/schooltool/Data.fs.blank-20260101T000000Z'"}));
}

TEST(Notice, SaysHowToStartAServerThatDidNotStart) {
  RollbackReport done;
  done.start_failed = true;
  const Lines lines =
      rolled_back_notice(support::school_instance(), judgement(Verdict::missing, "there is no such file"),
                         upgrade(), upgrade().database, "/x", done);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2], "start the server with 'service schooltool start'");
}

TEST(Notice, DoubtNamesTheCopyAndBothCommands) {
  const Lines lines = doubtful_notice(support::school_instance(), judgement(Verdict::foreign, "reason"),
                                      upgrade(), support::in_data("copy"));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_NE(lines[0].find("is foreign (reason)"), std::string::npos);
  EXPECT_NE(lines[1].find("'/var/lib/schooltool/copy'"), std::string::npos);
  EXPECT_EQ(lines[2], "to put it back: schooltool-db rollback --instance standard");
  EXPECT_EQ(lines[3], "if the live database is right: schooltool-db check --accept --instance standard");
}

TEST(Notice, DoubtWithoutACopyDoesNotPromiseOne) {
  const Lines lines = doubtful_notice(support::school_instance(), judgement(Verdict::damaged, "reason"),
                                      upgrade(), std::nullopt);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_NE(lines[1].find("no copy"), std::string::npos);
  for (const std::string& line : lines) EXPECT_EQ(line.find("schooltool-db rollback"), std::string::npos);
}

TEST(Notice, DoubtTellsOfRollbacksThatDidNotLast) {
  OpenUpgrade open = upgrade();
  open.rollbacks = 3;
  const auto about = [&](Verdict verdict) {
    return doubtful_notice(support::school_instance(), judgement(verdict, "reason"), open,
                           support::in_data("copy"));
  };
  ASSERT_EQ(about(Verdict::blank).size(), 5u);
  EXPECT_NE(about(Verdict::blank)[1].find("put back and lost again since the upgrade began (times: 3)"),
            std::string::npos);
  EXPECT_EQ(about(Verdict::foreign).size(), 4u);
}

TEST(Notice, DoubtAboutADatabaseThatIsLookedForElsewhereNamesBothPlaces) {
  OpenUpgrade open = upgrade();
  open.data_dir = "/srv/before";
  const Lines lines =
      doubtful_notice(support::school_instance(), judgement(Verdict::missing, "reason"), open, std::nullopt);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(
      lines[1],
      "before the upgrade it was '/srv/before/Data.fs': put that back into the configuration, or move the "
      "database to where it is looked for now");
  EXPECT_NE(lines[2].find("no copy of the database of before was found in '/srv/before'"), std::string::npos);
  // No rollback finds a copy in another folder than the database's.
  for (const std::string& line :
       doubtful_notice(support::school_instance(), judgement(Verdict::missing, "reason"), open,
                       "/srv/before/Data.fs.0")) {
    EXPECT_EQ(line.find("schooltool-db rollback"), std::string::npos);
  }
}

TEST(Notice, PackagesAsPeopleWriteThem) {
  EXPECT_EQ(packages_text({}), "");
  EXPECT_EQ(
      packages_text(
          {{"schooltool", "1.0", "2.0"}, {"python-schooltool", "", ""}, {"a", "", "3"}, {"b", "4", ""}}),
      "schooltool 1.0 -> 2.0, python-schooltool, a 3, b 4");
}

TEST(Notice, NoteHasTheTimeAndReplacesTheFormer) {
  io::MemEnv mem;
  const auto state = open_state(mem, "standard");
  write_note(*state, {"one", "two"}, mem);
  write_note(*state, {"three"}, mem);
  mem.crash(io::Survives::synced_only, 0);
  EXPECT_EQ(mem.content("/var/lib/schooltool-dbtools/standard/NOTE"), "2026-01-01T00:00:00Z\nthree\n");
  EXPECT_EQ(mem.status("/var/lib/schooltool-dbtools/standard/NOTE")->mode, 0600u);
}

}  // namespace
}  // namespace upgrade
