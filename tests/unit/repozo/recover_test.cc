// What stands at the output and beside it after a recover, and meanwhile.
#include "repozo/recover.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "io/hooked_env.h"
#include "support/fs_builder.h"
#include "support/repozo_school.h"
#include "support/scene.h"

namespace {

using support::kStamps;
using support::Packing;
using support::RepozoRun;
using support::school_states;

const std::string kRepo = std::string(support::kRepoDir) + "/";
const std::string kFolder = support::kRepozoDir;
const std::string kOut = kFolder + "/out.fs";

RepozoRun recover(io::Env& env) {
  return support::run_repozo(env, {"-R", "-r", "repo", "-o", "out.fs"});
}

TEST(RepozoRecover, RestoresNoIndexOfAnotherMomentWhereNoSumTells) {
  io::MemEnv mem;
  support::put_school(mem, Packing::plain);
  for (const std::string& stamp : kStamps) mem.remove_all(kRepo + stamp + ".sums");
  mem.put_file(kRepo + kStamps[3] + ".index", *mem.content(kRepo + kStamps[1] + ".index"));
  const RepozoRun run = recover(mem);
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "repozo: repo/" + kStamps[3] + ".index is not of these data, and was not restored\n");
  EXPECT_BYTES(mem.content(kOut), school_states()[3]);
  EXPECT_FALSE(mem.status(kOut + ".index"));
}

// Nothing tells how long the first piece was, and the index is sound in itself.
TEST(RepozoRecover, RestoresNoIndexBehindAPieceThatIsShorterThanItWas) {
  io::MemEnv mem;
  support::put_school(mem, Packing::gzip);
  mem.remove_all(kRepo + kStamps[0] + ".dat");
  mem.remove_all(kRepo + kStamps[0] + ".sums");
  const std::string full = school_states()[0], shorter = full.substr(0, full.size() - 100);
  mem.put_file(kRepo + kStamps[0] + ".fsz", support::gzipped(shorter));
  const RepozoRun run = support::run_repozo(mem, {"-R", "--no-verify", "-r", "repo", "-o", "out.fs"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_BYTES(mem.content(kOut), shorter + school_states()[3].substr(full.size()));
  EXPECT_FALSE(mem.status(kOut + ".index")) << run.err;
}

TEST(RepozoRecover, CarriesOverWhoMayReadAndNoSetUserId) {
  io::MemEnv mem;
  support::put_school(mem, Packing::plain);
  mem.remove_all(kOut);
  mem.put_file(kOut, support::kOldOutput, {107, 112}, 04750);
  EXPECT_EQ(recover(mem).status, 0);
  EXPECT_EQ(mem.status(kOut)->mode, 0750u);
  EXPECT_EQ(mem.status(kOut)->owner, (io::Owner{107, 112}));
}

TEST(RepozoRecover, SweepsWhatKilledRunsLeftAndNothingThatIsInUse) {
  io::MemEnv mem;
  support::put_school(mem, Packing::plain);
  const std::string old = ".out.fs.dbtools-00000000000000aa.tmp",
                    used = ".out.fs.dbtools-00000000000000bb.tmp",
                    other = ".Data.fs.dbtools-00000000000000cc.tmp",
                    index = ".out.fs.index.dbtools-00000000000000dd.tmp";
  for (const std::string& name : {old, used, other, index}) mem.put_file(kFolder + "/" + name, "begun");
  const auto folder = mem.open_dir(kFolder, io::Links::refuse);
  const auto in_use = folder->open_file(used, io::Access::read);
  ASSERT_TRUE(in_use->try_lock());
  EXPECT_EQ(recover(mem).status, 0);
  EXPECT_FALSE(mem.status(kFolder + "/" + old));
  EXPECT_FALSE(mem.status(kFolder + "/" + index));
  EXPECT_TRUE(mem.status(kFolder + "/" + used)) << "another run is at work on it";
  EXPECT_TRUE(mem.status(kFolder + "/" + other)) << "of another output";
}

TEST(RepozoRecover, HoldsItsOwnTemporaryFilesLocked) {
  io::MemEnv mem;
  support::put_school(mem, Packing::plain);
  std::size_t locked = 0;
  const auto env = io::make_hooked_env(mem, [&](const io::Operation& operation) {
    if (operation.name == "write_some" && operation.path.starts_with(kFolder + "/.out.fs")) {
      const auto folder = mem.open_dir(kFolder, io::Links::refuse);
      const std::string name = operation.path.substr(kFolder.size() + 1);
      EXPECT_FALSE(folder->open_file(name, io::Access::read)->try_lock()) << name;
      ++locked;
    }
    return io::no_limit;
  });
  EXPECT_EQ(recover(*env).status, 0);
  EXPECT_GT(locked, 0u);
}

}  // namespace
