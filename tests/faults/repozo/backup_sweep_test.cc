// Backups with the power cut, and with each system call failing, at every operation: each state of before can
// be recovered afterwards, the newest one is that of before or the new one, and the next backup finishes.
#include <gtest/gtest.h>

#include "support/fs_builder.h"
#include "support/repozo_sweep.h"
#include "support/scene.h"

namespace {

using support::Earlier;
using support::Packing;
using support::Scenario;
using support::school_states;

const std::string kData = std::string(support::kRepozoDir) + "/Data.fs";
const std::string kRepo = std::string(support::kRepoDir) + "/";

// A repository of four backups, and a database that has grown since, with an unfinished end.
void put_grown(io::MemEnv& mem, Packing packing) {
  support::put_school(mem, packing);
  mem.put_file(kData, support::with_torn_tail(support::school(60)));
}

Scenario backup(const std::vector<std::string>& options, Packing packing = Packing::plain) {
  std::vector<std::string> words = {"-B", "-r", "repo", "-f", "Data.fs"};
  words.insert(words.end(), options.begin(), options.end());
  Scenario scenario =
      support::repozo_scenario([packing](io::MemEnv& mem) { put_grown(mem, packing); }, words);
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    support::expect_states(mem, {school_states().back(), support::school(60)});
    // The original may find no .dat for a moment; we do.
    const support::RepozoRun run = support::run_repozo(mem, {"-V", "--all", "-r", "repo"});
    EXPECT_EQ(run.status, 0) << run.err;
  };
  scenario.verify_done = [](io::MemEnv& mem, const std::string&) {
    support::expect_states(mem, {support::school(60)});
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    support::expect_sound_and_tidy(mem, support::school(60));
    EXPECT_BYTES(mem.content(kData), support::with_torn_tail(support::school(60)));
  };
  return scenario;
}

TEST(RepozoBackupSweep, Increment) {
  support::repozo_sweep("increment", backup({}), 60, 100);
}

TEST(RepozoBackupSweep, QuickIncrement) {
  support::repozo_sweep("quick increment", backup({"-Q"}), 60, 100);
}

TEST(RepozoBackupSweep, CompressedIncrement) {
  support::repozo_sweep("compressed increment", backup({"-z"}, Packing::gzip), 60, 100);
}

TEST(RepozoBackupSweep, Full) {
  support::repozo_sweep("full backup", backup({"-F"}), 60, 100);
}

TEST(RepozoBackupSweep, CompressedFull) {
  support::repozo_sweep("compressed full backup", backup({"-F", "-z"}), 60, 100);
}

TEST(RepozoBackupSweep, FullThatRemovesTheOlderOnes) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"-F", "-k"}, std::vector<std::string>{"-F", "--keep", "1"}}) {
    Scenario scenario = backup(options);
    scenario.verify = [](io::MemEnv& mem, const std::string&) {
      support::expect_all_chains_good(mem);
      support::expect_states(mem, {school_states().back(), support::school(60)}, Earlier::being_removed);
    };
    scenario.verify_done = [](io::MemEnv& mem, const std::string&) {
      support::expect_states(mem, {support::school(60)}, Earlier::being_removed);
    };
    scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
      support::expect_sound_and_tidy(mem, support::school(60));
      // Nothing is left of the chain of before.
      EXPECT_EQ(support::plain_recover(support::files_in(mem, support::kRepoDir), support::kStamps[3]),
                std::nullopt);
    };
    support::repozo_sweep(options[1].c_str(), scenario, 200, 300);
  }
}

// Whoever made them, and however often the removal is cut short: what stands are good chains, also before the
// next run, which may be one that removes nothing.
TEST(RepozoBackupSweep, ChainsThatAreRemovedAreGoodAtEveryMoment) {
  struct Case {
    const char* name;
    Packing packing;
    bool sums;
    std::vector<std::string> options;
  };
  for (const Case& each :
       {Case{"two chains, --keep 1", Packing::plain, true, {"-F", "--keep", "1"}},
        Case{"one of two compressed chains, --keep 2", Packing::gzip, true, {"-F", "--keep", "2"}},
        Case{"two chains of the original's, -k", Packing::plain, false, {"-F", "-k"}}}) {
    SCOPED_TRACE(each.name);
    Scenario scenario = backup(each.options, each.packing);
    scenario.prepare = [&each](io::MemEnv& mem) {
      put_grown(mem, each.packing);
      mem.put_file(kData, support::school(56));
      support::run_repozo_at(mem, "2026-02-05-03-15-00", {"-B", "-F", "-r", "repo", "-f", "Data.fs"});
      mem.put_file(kData, support::school(58));
      support::run_repozo_at(mem, "2026-02-06-03-15-00", {"-B", "-r", "repo", "-f", "Data.fs"});
      mem.put_file(kData, support::school(60));
      mem.set_now(support::stamp_time("2026-02-07-03-15-00"));
      if (each.sums) return;
      for (const std::string& name : mem.list(support::kRepoDir)) {
        if (support::is_sums_name(name)) mem.remove_all(kRepo + name);
      }
    };
    scenario.verify = [](io::MemEnv& mem, const std::string&) {
      support::expect_all_chains_good(mem);
      support::expect_states(mem, {support::school(58), support::school(60)}, Earlier::being_removed);
    };
    scenario.verify_done = {};
    scenario.act_again = [](io::Env& env) {
      EXPECT_EQ(support::run_repozo(env, {"-B", "-r", "repo", "-f", "Data.fs"}).status, 0);
    };
    scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
      support::expect_sound_and_tidy(mem, support::school(60));
      support::expect_all_chains_good(mem);
    };
    support::repozo_sweep(each.name, scenario, 200, 300);
    if (HasFailure()) return;
  }
}

TEST(RepozoBackupSweep, FullAfterAPack) {
  Scenario scenario = backup({});
  const std::string packed = support::render(support::packed(support::school_history(60)));
  const auto prepare = [](io::MemEnv& mem) {
    support::put_school(mem, Packing::plain);
    mem.put_file(kData, support::render(support::packed(support::school_history(60))));
  };
  scenario.prepare = prepare;
  scenario.verify = [packed](io::MemEnv& mem, const std::string&) {
    support::expect_states(mem, {school_states().back(), packed});
  };
  scenario.verify_done = [packed](io::MemEnv& mem, const std::string&) {
    support::expect_states(mem, {packed});
  };
  scenario.verify_final = [packed](io::MemEnv& mem, const std::string&) {
    support::expect_sound_and_tidy(mem, packed);
  };
  scenario.reads_end_early = true;  // the comparison, at the first difference
  support::repozo_sweep("full backup after a pack", scenario, 60, 100);
}

// The very first one: there is no state to keep, so either there is nothing yet, or all of it.
TEST(RepozoBackupSweep, First) {
  Scenario scenario = backup({});
  scenario.prepare = [](io::MemEnv& mem) {
    mem.put_dir(support::kRepoDir);
    mem.put_file(kData, support::school(60));
  };
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    const auto found = support::plain_recover(support::files_in(mem, support::kRepoDir));
    if (found) {
      EXPECT_BYTES(found, support::school(60));
    }
  };
  scenario.verify_done = [](io::MemEnv& mem, const std::string&) {
    EXPECT_BYTES(support::plain_recover(support::files_in(mem, support::kRepoDir)), support::school(60));
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    EXPECT_EQ(support::plain_verify(support::files_in(mem, support::kRepoDir)), "");
    EXPECT_BYTES(support::run_repozo(mem, {"-R", "-r", "repo"}).out, support::school(60));
  };
  support::repozo_sweep("first backup", scenario, 60, 100);
}

// What the original left: no block checksums, an orphaned index and a tmp.tmp.
TEST(RepozoBackupSweep, IncrementOnARepositoryOfTheOriginal) {
  Scenario scenario = backup({});
  scenario.prepare = [](io::MemEnv& mem) {
    put_grown(mem, Packing::plain);
    for (const std::string& stamp : support::kStamps) mem.remove_all(kRepo + stamp + ".sums");
    mem.put_file(kRepo + "tmp.tmp", "begun");
  };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    mem.remove_all(kRepo + "tmp.tmp");
    support::expect_sound_and_tidy(mem, support::school(60));
  };
  support::repozo_sweep("increment on the original's repository", scenario, 60, 100);
}

// The disk is really full at every size: what stood stands, and with room the work is finished.
TEST(RepozoBackupSweep, DiskThatIsFullAtAnySize) {
  for (const std::vector<std::string>& options : {std::vector<std::string>{}, {"-F"}, {"-F", "-k", "-z"}}) {
    std::size_t failed = 0;
    for (std::uint64_t room = 0; room <= 72 * 1024; room += 4096) {
      SCOPED_TRACE(room);
      io::MemEnv mem;
      put_grown(mem, Packing::plain);
      std::uint64_t used = 0;
      for (const char* folder : {support::kRepoDir, support::kRepozoDir}) {
        for (const std::string& name : mem.list(folder)) {
          used += (mem.content(std::string(folder) + "/" + name).value_or("").size() + 4095) / 4096 * 4096;
        }
      }
      mem.set_capacity(used + room);
      std::vector<std::string> words = {"-B", "-r", "repo", "-f", "Data.fs"};
      words.insert(words.end(), options.begin(), options.end());
      const support::RepozoRun run = support::run_repozo(mem, words);
      failed += run.status != 0;
      EXPECT_TRUE(run.status == 0 || !run.err.empty());
      support::expect_states(mem, run.status == 0 ? std::vector<std::string>{support::school(60)}
                                                  : std::vector<std::string>{school_states().back()});
      mem.set_capacity(std::uint64_t{1} << 40);
      EXPECT_EQ(support::run_repozo(mem, words).status, 0);
      support::expect_sound_and_tidy(mem, support::school(60));
      if (HasFailure()) return;
    }
    EXPECT_GT(failed, 1u);
  }
}

}  // namespace
