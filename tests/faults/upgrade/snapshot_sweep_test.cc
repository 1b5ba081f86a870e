// A snapshot with the power cut, and with each system call failing, at every operation.
#include <gtest/gtest.h>

#include "support/fs_builder.h"
#include "support/upgrade_sweep.h"
#include "upgrade/snapshot.h"

namespace upgrade {
namespace {

using support::in_data;
using support::school;

void put_generations(support::Machine& machine) {
  machine.put("Data.fs", school(20));
  machine.put("Data.fs.0", school(10));
  machine.put("Data.fs.1.gz", support::gzipped(school(5)));
  machine.put("Data.fs.3", school(3));
}

void expect_standing(io::MemEnv& mem) {
  support::expect_nothing_lost(mem, {school(20), school(10), school(5), school(3)},
                               {school(20), school(10), school(3)});
  support::expect_live(mem, school(20));
}

// After a power cut the move of the compressed one may be lost and that of the plain one below it kept: then
// one number has both, which rotate sets right.
enum class Moves { all, any };

void expect_moved_up(io::MemEnv& mem, Moves moves) {
  EXPECT_BYTES(mem.content(in_data("Data.fs.0")), school(20));
  EXPECT_BYTES(mem.content(in_data("Data.fs.1")), school(10));
  const auto compressed = mem.content(in_data("Data.fs.2.gz"));
  EXPECT_BYTES(moves == Moves::all || compressed ? compressed : mem.content(in_data("Data.fs.1.gz")),
               support::gzipped(school(5)));
  EXPECT_BYTES(mem.content(in_data("Data.fs.3")), school(3));
  EXPECT_EQ(mem.status(in_data("Data.fs.0"))->owner, support::kSchoolOwner);
  EXPECT_EQ(mem.status(in_data("Data.fs.0"))->mode, support::kSchoolMode);
  EXPECT_EQ(support::journal_of(mem).snapshot->size, school(20).size());
}

TEST(SnapshotSweep, ByHand) {
  auto scenario =
      support::on_machine([](io::MemEnv&, support::Machine& machine) { put_generations(machine); },
                          [](io::Env& env) { support::snapshot(env); });
  scenario.verify = [](io::MemEnv& mem, const std::string&) { expect_standing(mem); };
  scenario.verify_done = [](io::MemEnv& mem, const std::string&) { expect_moved_up(mem, Moves::all); };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    expect_moved_up(mem, Moves::any);
    support::expect_tidy(mem, 0);
  };
  support::sweep("snapshot by hand", scenario, 100, 200);
}

TEST(SnapshotSweep, ByReflink) {
  auto scenario = support::on_machine(
      [](io::MemEnv& mem, support::Machine& machine) {
        mem.set_reflink(true);
        put_generations(machine);
        machine.put("Data.fs", support::with_torn_tail(school(20)));
      },
      [](io::Env& env) { support::snapshot(env); });
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(10), school(5), school(3)},
                                 {school(20), school(10), school(3)});
    support::expect_live(mem, support::with_torn_tail(school(20)));
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) { expect_moved_up(mem, Moves::any); };
  support::sweep("snapshot by reflink", scenario, 100, 200);
}

// The vault holds the copy of an upgrade before, which goes when the new one stands.
TEST(SnapshotSweep, ForAnUpgrade) {
  const auto act = [](io::Env& env) {
    SnapshotRequest request;
    request.upgrade = support::apt_upgrade();
    take_snapshot(env, support::school_instance(), request);
  };
  auto scenario = support::on_machine(
      [act](io::MemEnv& mem, support::Machine& machine) {
        machine.put("Data.fs", school(10));
        act(mem);
        put_generations(machine);
        mem.remove_all(in_data("Data.fs.0"));  // the package's scripts have moved it
        machine.put("Data.fs.0", school(10));
      },
      act);
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    expect_standing(mem);
    // Whatever upgrade is open, what it says to hold is held.
    const Journal journal = support::journal_of(mem);
    ASSERT_TRUE(journal.open);
    const auto held = mem.content(in_data(std::string(kVaultName) + "/" + journal.open->held));
    ASSERT_TRUE(held);
    EXPECT_EQ(held->size(), journal.open->database.size);
  };
  scenario.verify_done = [](io::MemEnv& mem, const std::string&) {
    EXPECT_TRUE(support::is_held(mem, school(20)));
    EXPECT_EQ(support::journal_of(mem).open->database.size, school(20).size());
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    expect_moved_up(mem, Moves::any);
    EXPECT_TRUE(support::is_held(mem, school(20)));
    support::expect_tidy(mem, 1);
  };
  support::sweep("snapshot for an upgrade", scenario, 100, 200);
}

TEST(SnapshotSweep, ThatIsThereAlready) {
  auto scenario = support::on_machine(
      [](io::MemEnv&, support::Machine& machine) {
        machine.put("Data.fs", school(20));
        machine.put("Data.fs.0", school(20));
      },
      [](io::Env& env) {
        SnapshotRequest request;
        request.upgrade = support::apt_upgrade();
        take_snapshot(env, support::school_instance(), request);
      });
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(20)}, {school(20)});
    support::expect_live(mem, school(20));
  };
  scenario.verify_done = [](io::MemEnv& mem, const std::string&) {
    EXPECT_TRUE(support::is_held(mem, school(20)));
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    EXPECT_TRUE(support::is_held(mem, school(20)));
    EXPECT_FALSE(mem.status(in_data("Data.fs.1")));
    support::expect_tidy(mem, 1);
  };
  support::sweep("snapshot that is there already", scenario, 50, 100);
}

TEST(SnapshotSweep, OfABlankDatabase) {
  auto scenario = support::on_machine(
      [](io::MemEnv&, support::Machine& machine) {
        machine.put("Data.fs", support::bootstrap());
        machine.put("Data.fs.0", school(20));
      },
      [](io::Env& env) {
        SnapshotRequest request;
        request.upgrade = support::apt_upgrade();
        take_snapshot(env, support::school_instance(), request);
      });
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(20)}, {school(20)});
    support::expect_live(mem, support::bootstrap());
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    EXPECT_EQ(support::journal_of(mem).open->before, Before::blank);
    EXPECT_TRUE(support::is_held(mem, support::bootstrap()));
    EXPECT_BYTES(mem.content(in_data("Data.fs.0")), school(20));
    support::expect_tidy(mem, 1);
  };
  support::sweep("snapshot of a blank database", scenario, 50, 100);
}

}  // namespace
}  // namespace upgrade
