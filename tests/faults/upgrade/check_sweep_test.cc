// A check that repairs or closes, with the power cut, and with each system call failing, at every operation.
#include <gtest/gtest.h>

#include <set>

#include "support/fs_builder.h"
#include "support/upgrade_sweep.h"
#include "upgrade/blob_folder.h"
#include "upgrade/check.h"
#include "upgrade/journal.h"

namespace upgrade {
namespace {

using support::in_data;
using support::Machine;
using support::school;

constexpr const char* kStaleIndex = "the index of another database";

// A school of 20 transactions, an upgrade begun while the server ran, and then what the upgrade made of it.
support::Scenario repair(Caller caller, const std::optional<std::string>& left,
                         const std::function<void(io::MemEnv&, Machine&)>& more = {}) {
  auto scenario = support::on_machine(
      [=](io::MemEnv& mem, Machine& machine) {
        machine.put("Data.fs", school(20));
        machine.put("Data.fs.0", school(10));
        if (caller != Caller::service_start) machine.start_server();
        support::begin(mem);
        mem.remove_all(in_data("Data.fs"));
        if (left) machine.put("Data.fs", *left);
        machine.put("Data.fs.index", kStaleIndex);
        if (more) more(mem, machine);
      },
      [caller](io::Env& env) { support::check_as(env, caller); });
  scenario.verify = [left](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(20), school(10)}, {school(20), school(10)});
    const auto live = mem.content(in_data("Data.fs"));
    EXPECT_TRUE(live == left || live == school(20)) << support::brief(live);
    if (live == school(20)) {
      support::expect_live(mem, school(20));
      EXPECT_EQ(support::displaced(mem).size(), left ? 1u : 0u);
      EXPECT_BYTES(support::displaced_content(mem), left);
      EXPECT_NE(mem.content(in_data("Data.fs.index")), kStaleIndex);
    }
  };
  scenario.verify_done = [](io::MemEnv& mem, const std::string&) { support::expect_live(mem, school(20)); };
  scenario.verify_final = [left](io::MemEnv& mem, const std::string&) {
    support::expect_live(mem, school(20));
    EXPECT_EQ(support::displaced(mem).size(), left ? 1u : 0u);
    EXPECT_BYTES(support::displaced_content(mem), left);
    support::expect_nothing_lost(mem, {school(20), school(10)}, {school(20), school(10)});
  };
  return scenario;
}

TEST(CheckSweep, RepairsABlankDatabaseUnderARunningServer) {
  support::sweep("check, blank", repair(Caller::dpkg_done, support::bootstrap()), 100, 200);
}

TEST(CheckSweep, RepairsAMissingDatabaseBeforeTheStart) {
  support::sweep("check, missing", repair(Caller::service_start, std::nullopt), 100, 200);
}

// The upgrade has moved the blob folder away as well, and the server has made another.
void move_blobs_away(io::MemEnv& mem) {
  Instance instance = support::school_instance();
  instance.blob_dir = in_data("blobs");
  const auto make = [&](const std::string& whose) {
    mem.put_dir(in_data("blobs"), support::kSchoolOwner, 0700);
    mem.put_file(in_data("blobs/whose"), whose);
  };
  make("the school's");
  const auto state = open_state(mem, instance.name);
  Journal journal = load_journal(*state);
  journal.open->blobs = find_blob_folder(mem, instance);
  save_journal(*state, journal, mem);
  const auto dir = mem.open_dir(support::kDataDir, io::Links::refuse);
  dir->rename("blobs", *dir, "moved", io::Replace::no);
  make("the blank one's");
  dir->sync();
}

TEST(CheckSweep, PutsTheBlobFolderBackWithTheDatabase) {
  auto scenario = repair(Caller::dpkg_done, support::bootstrap(),
                         [](io::MemEnv& mem, Machine&) { move_blobs_away(mem); });
  const auto whose = [](io::MemEnv& mem, const std::string& name) {
    return mem.content(in_data(name + "/whose")).value_or("nobody's");
  };
  const auto verify = scenario.verify;
  scenario.verify = [=](io::MemEnv& mem, const std::string& where) {
    verify(mem, where);
    std::multiset<std::string> all;
    for (const std::string& name : mem.list(support::kDataDir)) {
      if (mem.status(in_data(name))->type == io::FileType::directory) all.insert(whose(mem, name));
    }
    EXPECT_EQ(all.count("the school's"), 1u);
    EXPECT_EQ(all.count("the blank one's"), 1u);
  };
  const auto verify_final = scenario.verify_final;
  scenario.verify_final = [=](io::MemEnv& mem, const std::string& where) {
    verify_final(mem, where);
    EXPECT_EQ(whose(mem, "blobs"), "the school's");
  };
  support::sweep("check, blob folder", scenario, 100, 200);
}

TEST(CheckSweep, RepairsATruncatedDatabaseFromACompressedGeneration) {
  const auto vault_gone = [](io::MemEnv& mem, Machine& machine) {
    mem.remove_all(in_data(kVaultName));
    mem.remove_all(in_data("Data.fs.0"));
    machine.put("Data.fs.2.gz", support::gzipped(school(20)));
  };
  auto scenario = repair(Caller::dpkg_done, std::string(), vault_gone);
  support::sweep("check, from a compressed generation", scenario, 100, 200);
}

TEST(CheckSweep, RepairsWithoutSpaceForACopy) {
  const auto no_space = [](io::MemEnv& mem, Machine&) {
    const auto space = mem.open_dir("/", io::Links::refuse)->space();
    mem.set_capacity(space.total - space.free + 24 * 1024);
  };
  auto scenario = repair(Caller::dpkg_done, support::bootstrap(), no_space);
  const auto final = scenario.verify_final;
  scenario.verify_final = [final](io::MemEnv& mem, const std::string& where) {
    final(mem, where);
    // No snapshot is another name of the live file: a server would write into it. (That in the vault can be,
    // after a power cut in the middle of the move.)
    for (const std::string& name : mem.list(support::kDataDir)) {
      const bool same = mem.status(in_data(name))->same_file(*mem.status(in_data("Data.fs")));
      EXPECT_EQ(same, name == "Data.fs") << name;
    }
  };
  support::sweep("check, no space", scenario, 80, 150);
}

TEST(CheckSweep, ClosesAnUpgradeThatStayedGood) {
  auto scenario = support::on_machine(
      [](io::MemEnv& mem, Machine& machine) {
        machine.put("Data.fs", school(20));
        support::begin(mem);
        machine.put("Data.fs", school(22));
        support::check_as(mem, Caller::dpkg_done);
        mem.sleep_ms(400'000);
      },
      [](io::Env& env) { support::check_as(env, Caller::cron); });
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(20), school(22)}, {school(20)});
    // The copy is let go only when the upgrade is closed.
    EXPECT_TRUE(!support::journal_of(mem).open || support::is_held(mem, school(20)));
  };
  scenario.verify_done = [](io::MemEnv& mem, const std::string&) {
    EXPECT_FALSE(support::journal_of(mem).open);
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    support::expect_live(mem, school(22));
    EXPECT_FALSE(support::journal_of(mem).open);
    EXPECT_BYTES(mem.content(in_data("Data.fs.0")), school(20));
  };
  support::sweep("check, closing", scenario, 30, 60);
}

TEST(CheckSweep, PutsBackWhatWasEnteredUntilTheServerStopped) {
  auto scenario = support::on_machine(
      [](io::MemEnv& mem, Machine& machine) {
        machine.put("Data.fs", school(20));
        support::begin(mem);
        mem.remove_all(in_data("Data.fs.0"));
        machine.put("Data.fs.0", school(23));
        mem.remove_all(in_data("Data.fs"));
        machine.put("Data.fs", support::bootstrap());
      },
      [](io::Env& env) { support::check_as(env, Caller::dpkg_done); });
  // Where the longer one cannot be read, the copy of before the upgrade has to do; the longer one stands
  // then.
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(20), school(23)}, {school(20), school(23)});
    const auto live = mem.content(in_data("Data.fs"));
    EXPECT_TRUE(live == support::bootstrap() || live == school(23) || live == school(20));
    EXPECT_TRUE(support::is_held(mem, school(20)));
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    const auto live = mem.content(in_data("Data.fs"));
    EXPECT_TRUE(live == school(23) || live == school(20));
    EXPECT_BYTES(support::displaced_content(mem), support::bootstrap());
  };
  support::sweep("check, entered meanwhile", scenario, 100, 200);
}

TEST(CheckSweep, KeepsTheLastCopyWhenThePackagesAreGone) {
  auto scenario = support::on_machine(
      [](io::MemEnv& mem, Machine& machine) {
        machine.put("Data.fs", school(20));
        support::begin(mem);
        mem.remove_all(in_data("Data.fs"));
        mem.remove_all(in_data("Data.fs.0"));
        machine.packages["schooltool"] = "config-files";
      },
      [](io::Env& env) { support::check_as(env, Caller::dpkg_done); });
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    EXPECT_TRUE(support::is_held(mem, school(20)));
    EXPECT_TRUE(support::journal_of(mem).open);
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    EXPECT_EQ(support::journal_of(mem).last->action, "waiting for a person");
    EXPECT_EQ(support::journal_of(mem).last->verdict, Verdict::missing);
  };
  support::sweep("check, packages gone", scenario, 80, 100);
}

TEST(CheckSweep, KeepsTheCopyOfBeforeWhenAPersonAcceptsAnother) {
  auto scenario = support::on_machine(
      [](io::MemEnv& mem, Machine& machine) {
        machine.put("Data.fs", school(20));
        support::begin(mem);
        machine.put("Data.fs", support::bootstrap());
      },
      [](io::Env& env) {
        CheckRequest request;
        request.accept = true;
        check(env, support::school_instance(), request);
      });
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    EXPECT_TRUE(support::is_held(mem, school(20)));
    support::expect_live(mem, support::bootstrap());
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    EXPECT_FALSE(support::journal_of(mem).open);
  };
  support::sweep("check, accepted", scenario, 50, 100);
}

TEST(CheckSweep, LeavesAForeignDatabaseAlone) {
  support::History other = support::school_history(20);
  for (auto& transaction : other) transaction.tid += 12345;
  const std::string foreign = support::render(other);
  auto scenario = support::on_machine(
      [foreign](io::MemEnv& mem, Machine& machine) {
        machine.put("Data.fs", school(20));
        support::begin(mem);
        machine.put("Data.fs", foreign);
      },
      [](io::Env& env) { support::check_as(env, Caller::cron); });
  scenario.verify = [foreign](io::MemEnv& mem, const std::string&) {
    support::expect_nothing_lost(mem, {school(20)}, {school(20)});
    support::expect_live(mem, foreign);
    EXPECT_TRUE(support::is_held(mem, school(20)));
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    EXPECT_EQ(support::journal_of(mem).last->action, "waiting for a person");
  };
  support::sweep("check, foreign", scenario, 30, 60);
}

}  // namespace
}  // namespace upgrade
