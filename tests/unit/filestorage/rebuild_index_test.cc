#include "filestorage/rebuild_index.h"

#include <gtest/gtest.h>

#include <string>

#include "filestorage/storage_lock.h"
#include "io/hooked_env.h"
#include "io/mem_env.h"
#include "support/errors.h"
#include "support/fixture.h"
#include "support/fs_builder.h"

namespace filestorage {
namespace {

using base::ErrorKind;
using support::fails_with;

class Machine {
 public:
  explicit Machine(const std::string& data) { mem.put_file("/data/Data.fs", data, {104, 112}, 0640); }
  RebuildReport rebuild(const RebuildOptions& options = {}) {
    const auto dir = mem.open_dir("/data", io::Links::refuse);
    return rebuild_index(*dir, "Data.fs", mem, options);
  }
  io::MemEnv mem;
};

TEST(RebuildIndex, GivesTheBytesThatZodbSaved) {
  std::size_t compared = 0;
  for (const std::string& folder : support::fixture_folders("fs")) {
    SCOPED_TRACE(folder);
    // A status 'u' was set by hand, and the index is of before that.
    if (support::read_expected(folder)["database"]["statuses"].contains("u")) continue;
    const std::string saved = support::read_fixture(folder + "/Data.fs.index");
    Machine machine(support::read_fixture(folder + "/Data.fs"));
    // Tells which ZODB it was; its content does not matter.
    machine.mem.put_file("/data/Data.fs.index", saved.substr(0, 1));
    const RebuildReport report = machine.rebuild();
    EXPECT_EQ(machine.mem.content("/data/Data.fs.index"), saved);
    EXPECT_EQ(report.size, saved.size());
    EXPECT_TRUE(report.had_index);
    ++compared;
  }
  EXPECT_GT(compared, 35u);
}

TEST(RebuildIndex, TakesOwnerAndModeOfTheDatabase) {
  Machine machine(support::school(5));
  EXPECT_FALSE(machine.rebuild().had_index);
  EXPECT_EQ(machine.mem.status("/data/Data.fs.index")->owner, (io::Owner{104, 112}));
  EXPECT_EQ(machine.mem.status("/data/Data.fs.index")->mode, 0640u);
}

TEST(RebuildIndex, GoesUpToATornEnd) {
  Machine machine(support::with_torn_tail(support::school(5)));
  const RebuildReport report = machine.rebuild();
  EXPECT_EQ(report.tail, Tail::torn);
  EXPECT_EQ(report.position, support::school(5).size());
}

TEST(RebuildIndex, RefusesADamagedDatabaseAndKeepsTheOldIndex) {
  std::string damaged = support::school(5);
  damaged[4 + 15] ^= 1;  // a length
  Machine machine(damaged);
  machine.mem.put_file("/data/Data.fs.index", "old");
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { machine.rebuild(); }));
  EXPECT_EQ(machine.mem.content("/data/Data.fs.index"), "old");
}

TEST(RebuildIndex, RefusesWhileAServerHasTheDatabase) {
  Machine machine(support::school(5));
  const auto dir = machine.mem.open_dir("/data", io::Links::refuse);
  const StorageLock server(*dir, "Data.fs", {104, 112}, machine.mem);
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { machine.rebuild(); }, "held by"));
  EXPECT_FALSE(machine.mem.content("/data/Data.fs.index"));
  RebuildOptions dry;
  dry.dry_run = true;
  EXPECT_GT(machine.rebuild(dry).objects, 0u);
  EXPECT_FALSE(machine.mem.content("/data/Data.fs.index"));
}

// A server that is just going packs until it lets go of the lock: the database is another file then.
TEST(RebuildIndex, IsOfTheFileThatStandsThereUnderTheLock) {
  Machine machine(support::school(20));
  const std::string packed = support::school(5);
  const auto hooked = io::make_hooked_env(machine.mem, [&](const io::Operation& operation) {
    if (operation.name != "try_lock") return io::no_limit;
    machine.mem.remove_all("/data/Data.fs");
    machine.mem.put_file("/data/Data.fs", packed, {104, 112}, 0600);
    return io::no_limit;
  });
  const auto dir = hooked->open_dir("/data", io::Links::refuse);
  EXPECT_EQ(rebuild_index(*dir, "Data.fs", *hooked, {}).position, packed.size());
  EXPECT_EQ(machine.mem.status("/data/Data.fs.index")->mode, 0600u);
}

TEST(RebuildIndex, NeverFollowsALinkInItsPlace) {
  Machine machine(support::school(5));
  machine.mem.put_file("/elsewhere", "precious");
  machine.mem.put_symlink("/data/Data.fs.index", "/elsewhere");
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { machine.rebuild(); }));
  EXPECT_EQ(machine.mem.content("/elsewhere"), "precious");
}

}  // namespace
}  // namespace filestorage
