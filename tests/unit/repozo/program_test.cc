// Command lines that are refused.
#include "repozo/program.h"

#include <gtest/gtest.h>

#include <string>
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
