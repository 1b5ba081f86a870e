// What is said of a command line that cannot work, in the words of the original, and what is refused.
#include "repozo/program.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/repozo_school.h"

namespace {

using support::kStamps;
using support::Packing;
using support::RepozoRun;

using Words = std::vector<std::string>;

class RepozoProgram : public testing::Test {
 protected:
  RepozoProgram() { support::put_school(mem_, Packing::plain); }
  io::MemEnv mem_;
};

TEST_F(RepozoProgram, TellsOfARepositoryThatIsNotThereAfterWhatItLooksFor) {
  const std::string looking = "looking for files between last full backup and ";
  const std::string absent = "[Errno 2] No such file or directory: 'absent'\n";
  EXPECT_EQ(support::run_repozo(mem_, {"-V", "-r", "absent"}).err, absent);
  EXPECT_EQ(support::run_repozo(mem_, {"-R", "-v", "-r", "absent", "-D", "2026"}).err,
            looking + "2026...\n" + absent);
  EXPECT_EQ(support::run_repozo_at(mem_, kStamps[3], {"-B", "-v", "-r", "absent", "-f", "Data.fs"}).err,
            looking + kStamps[3] + "...\n" + absent);
  EXPECT_EQ(support::run_repozo(mem_, {"-V", "-r", ""}).err, "[Errno 2] No such file or directory: ''\n");
}

TEST_F(RepozoProgram, NeedsTheNamesOfFiles) {
  const std::vector<std::pair<Words, std::string>> all = {
      {{"-B", "-r", "repo", "-f", "repo/"}, "[Errno 21] Is a directory: 'repo/'\n"},
      {{"-B", "-r", "repo", "-f", "."}, "[Errno 21] Is a directory: '.'\n"},
      {{"-R", "-r", "repo", "-o", "repo/.."}, "[Errno 21] Is a directory: 'repo/..'\n"},
      {{"-R", "-r", "repo", "-o", ""}, "[Errno 2] No such file or directory: ''\n"}};
  for (const auto& [words, error] : all) {
    const RepozoRun run = support::run_repozo(mem_, words);
    EXPECT_EQ(run.status, 1);
    EXPECT_EQ(run.err, error);
  }
}

// The index would go to the name with .index behind it.
TEST_F(RepozoProgram, PutsNoDatabaseInThePlaceOfABackup) {
  const support::Files before = support::files_in(mem_, support::kRepoDir);
  const Words names = {kStamps[0] + ".fs", kStamps[1] + ".deltafs", kStamps[2], "2030-01-01-00-00-00.fs"};
  for (const std::string& name : names) {
    const RepozoRun run = support::run_repozo(mem_, {"-R", "-r", "repo", "-o", "repo/" + name});
    EXPECT_EQ(run.status, 1);
    EXPECT_EQ(run.err, "repozo: recover to 'repo/" + name + "': is a name of the repository's own files\n");
    EXPECT_EQ(support::files_in(mem_, support::kRepoDir), before);
  }
  EXPECT_EQ(support::run_repozo(mem_, {"-R", "-r", "repo", "-o", "repo/Data.fs"}).status, 0);
  EXPECT_EQ(support::run_repozo(mem_, {"-R", "-r", "repo", "-o", kStamps[0] + ".fs"}).status, 0);
}

}  // namespace
