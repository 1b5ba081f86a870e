// What a backup builds on.
#include "repozo/plan.h"

#include <gtest/gtest.h>

#include <string>

#include "support/repozo_school.h"
#include "support/scene.h"

namespace {

using support::kStamps;
using support::Packing;
using support::school_states;

const std::string kRepo = std::string(support::kRepoDir) + "/";

// The original made both in one second, and does not find the increment any more, though the last line of its
// .dat is of it: what went behind that would leave a hole.
TEST(RepozoPlan, QuickBackupBuildsOnWhatTheOriginalRecovers) {
  io::MemEnv mem;
  support::put_school(mem, Packing::plain);
  const std::string increment = *mem.content(kRepo + kStamps[1] + ".deltafs");
  std::string dat = *mem.content(kRepo + kStamps[0] + ".dat");
  dat.resize(dat.find("repo/" + kStamps[2]));
  dat.replace(dat.find(kStamps[1]), kStamps[1].size(), kStamps[0]);
  support::put_files(mem, support::kRepoDir,
                     {{kStamps[0] + ".fs", school_states()[0]},
                      {kStamps[0] + ".deltafs", increment},
                      {kStamps[0] + ".dat", dat}});
  const auto run = support::run_repozo(mem, {"-B", "-Q", "-r", "repo", "-f", "Data.fs"});
  EXPECT_EQ(run.status, 0) << run.err;
  const support::Files files = support::files_in(mem, support::kRepoDir);
  EXPECT_BYTES(support::plain_recover(files), school_states()[3]);
  EXPECT_BYTES(support::run_repozo(mem, {"-R", "-r", "repo"}).out, school_states()[3]);
}

// Without -v it looks at the sums of the blocks where with -v it shows the MD5, to the same end. For bytes in
// front of the last piece it never cares.
TEST(RepozoPlan, QuickBackupDecidesTheSameBySumsOfBlocks) {
  const std::size_t start = school_states()[2].size();
  const auto& whole = school_states()[3];
  for (const Packing packing : {Packing::plain, Packing::gzip}) {
    for (const char* loud : {"-Q", "-Qv"}) {
      for (const std::size_t at : {start - 1, start, whole.size() - 9, whole.size()}) {
        io::MemEnv mem;
        support::put_school(mem, packing);
        std::string data = whole;
        if (at < data.size()) data[at] = static_cast<char>(data[at] ^ 1);
        mem.put_file(std::string(support::kRepozoDir) + "/Data.fs", data);
        const auto run = support::run_repozo(mem, {"-B", loud, "-r", "repo", "-f", "Data.fs"});
        EXPECT_EQ(run.status, 0) << run.err;
        const bool changed = at >= start && at < whole.size();
        const bool added = support::files_in(mem, support::kRepoDir) != support::school_repository(packing);
        EXPECT_EQ(added, changed) << loud << " at " << at;
      }
    }
  }
}

}  // namespace
