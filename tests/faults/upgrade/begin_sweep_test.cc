// The step before an upgrade, with the power cut, and with each system call failing, at every operation.
#include <gtest/gtest.h>

#include "support/fs_builder.h"
#include "support/upgrade_sweep.h"
#include "upgrade/begin.h"

namespace upgrade {
namespace {

using support::in_data;
using support::Machine;
using support::school;

void expect_begun(io::MemEnv& mem, const std::string& database) {
  support::expect_live(mem, database);
  const Journal journal = support::journal_of(mem);
  ASSERT_TRUE(journal.open);
  EXPECT_EQ(journal.open->database.size, database.size());
  EXPECT_BYTES(mem.content(in_data(std::string(kVaultName) + "/" + journal.open->held)), database);
}

TEST(BeginSweep, OnAMachineThatNeverHadOne) {
  auto scenario =
      support::on_machine([](io::MemEnv&, Machine& machine) { machine.put("Data.fs", school(20)); },
                          [](io::Env& env) { support::begin(env); });
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(20)}, {school(20)});
    support::expect_live(mem, school(20));
    if (support::journal_of(mem).open) expect_begun(mem, school(20));
  };
  scenario.verify_done = [](io::MemEnv& mem, const std::string&) { expect_begun(mem, school(20)); };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    expect_begun(mem, school(20));
    EXPECT_FALSE(mem.status(in_data("Data.fs.1")));
    support::expect_tidy(mem, 1);
  };
  support::sweep("begin, first time", scenario, 100, 120);
}

// The upgrade before has left a half copy, and the package's scripts have put another over Data.fs.0.
TEST(BeginSweep, RetryAfterAnUpgradeThatLostTheDatabase) {
  const std::string half = school(20).substr(0, 4000);
  auto scenario = support::on_machine(
      [half](io::MemEnv& mem, Machine& machine) {
        machine.put("Data.fs", school(20));
        machine.start_server();
        support::begin(mem);
        machine.stop_server();
        mem.remove_all(in_data("Data.fs.0"));
        machine.put("Data.fs.0", half);
        mem.remove_all(in_data("Data.fs"));
        machine.put("Data.fs", half);
      },
      [](io::Env& env) { support::begin(env); });
  scenario.verify = [half](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(20), half}, {school(20), half});
    EXPECT_TRUE(support::is_held(mem, school(20)));
    const auto live = mem.content(in_data("Data.fs"));
    EXPECT_TRUE(live == half || live == school(20)) << support::brief(live);
  };
  scenario.verify_done = [](io::MemEnv& mem, const std::string&) { expect_begun(mem, school(20)); };
  scenario.verify_final = [half](io::MemEnv& mem, const std::string&) {
    expect_begun(mem, school(20));
    EXPECT_TRUE(support::journal_of(mem).open->server_was_running);
    EXPECT_EQ(support::displaced(mem).size(), 1u);
    EXPECT_BYTES(support::displaced_content(mem), half);
    support::expect_tidy(mem, 1);
  };
  support::sweep("begin, retry", scenario, 200, 400);
}

}  // namespace
}  // namespace upgrade
