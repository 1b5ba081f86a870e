// A rollback by hand, with the power cut, and with each system call failing, at every operation.
#include <gtest/gtest.h>

#include "support/fs_builder.h"
#include "support/upgrade_sweep.h"
#include "upgrade/by_hand.h"

namespace upgrade {
namespace {

using support::in_data;
using support::Machine;
using support::school;

constexpr const char* kStaleIndex = "the index of another database";

support::Scenario by_hand(const std::optional<std::string>& to, const std::string& wanted) {
  const std::string evolved = support::render(support::lived_on(support::school_history(20), 6));
  auto scenario = support::on_machine(
      [=](io::MemEnv& mem, Machine& machine) {
        machine.put("Data.fs", school(20));
        machine.put("Data.fs.0", school(15));
        machine.put("Data.fs.1.gz", support::gzipped(school(5)));
        machine.start_server();
        support::begin(mem);
        machine.put("Data.fs", evolved);
        machine.put("Data.fs.index", kStaleIndex);
      },
      [to](io::Env& env) {
        const auto instance = support::school_instance();
        roll_back_by_hand(env, instance, plan_by_hand(env, instance, to), {});
      });
  scenario.verify = [=](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(20), school(15), school(5), evolved}, {school(20), school(15)});
    const auto live = mem.content(in_data("Data.fs"));
    EXPECT_TRUE(live == evolved || live == wanted) << support::brief(live);
    if (live == wanted) {
      support::expect_live(mem, wanted);
      EXPECT_BYTES(support::displaced_content(mem), evolved);
      EXPECT_NE(mem.content(in_data("Data.fs.index")), kStaleIndex);
    }
  };
  scenario.verify_done = [=](io::MemEnv& mem, const std::string&) {
    support::expect_live(mem, wanted);
    EXPECT_FALSE(support::journal_of(mem).open);
  };
  scenario.verify_final = [=](io::MemEnv& mem, const std::string&) {
    support::expect_live(mem, wanted);
    support::expect_nothing_lost(mem, {school(20), school(15), school(5), evolved}, {school(20), school(15)});
    EXPECT_FALSE(support::journal_of(mem).open);
    EXPECT_TRUE(support::temporaries(mem).empty());
  };
  return scenario;
}

TEST(RollbackSweep, ToAPlainGeneration) {
  support::sweep("rollback to .1", by_hand("1", school(15)), 100, 200);
}

TEST(RollbackSweep, ToACompressedGeneration) {
  support::sweep("rollback to .2.gz", by_hand("2", school(5)), 100, 200);
}

TEST(RollbackSweep, ToTheDatabaseBeforeTheUpgrade) {
  auto scenario = by_hand(std::nullopt, school(20));
  support::sweep("rollback to before", scenario, 100, 200);
}

}  // namespace
}  // namespace upgrade
