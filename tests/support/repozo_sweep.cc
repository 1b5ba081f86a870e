#include "support/repozo_sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "support/scene.h"

namespace support {

Scenario repozo_scenario(std::function<void(io::MemEnv&)> prepare, const std::vector<std::string>& words) {
  Scenario scenario;
  scenario.prepare = std::move(prepare);
  scenario.act = [words](io::Env& env) {
    const RepozoRun run = run_repozo(env, words);
    if (run.status != 0) throw base::Error(base::ErrorKind::io, "repozo", run.err, "exit status 1");
  };
  return scenario;
}

namespace {

// What plain_recover gives, or nothing where there is nothing.
std::string original_recover(const Files& repository, const std::string& date) {
  return plain_recover(repository, date).value_or("");
}

void expect_one_of(const std::string& found, const std::vector<std::string>& allowed,
                   const std::string& what) {
  EXPECT_TRUE(std::find(allowed.begin(), allowed.end(), found) != allowed.end())
      << what << ": " << brief(found);
}

}  // namespace

void expect_states(io::MemEnv& mem, const std::vector<std::string>& newest, Earlier earlier) {
  const Files files = files_in(mem, kRepoDir);
  expect_one_of(original_recover(files, ""), newest, "the original recovers");
  RepozoRun run = run_repozo(mem, {"-R", "-r", "repo"});
  EXPECT_EQ(run.status, 0) << run.err;
  expect_one_of(run.out, newest, "ours recovers");
  for (std::size_t i = 0; i < kStamps.size(); ++i) {
    std::vector<std::string> then = {school_states()[i], ""};
    if (earlier == Earlier::being_removed) {
      then.insert(then.end(), school_states().begin(),
                  school_states().begin() + static_cast<std::ptrdiff_t>(i));
    }
    expect_one_of(original_recover(files, kStamps[i]), then, "the original recovers as of " + kStamps[i]);
    run = run_repozo(mem, {"-R", "-r", "repo", "-D", kStamps[i]});
    expect_one_of(run.out, then, "ours recovers as of " + kStamps[i]);
  }
}

void expect_all_chains_good(io::MemEnv& mem) {
  const RepozoRun run = run_repozo(mem, {"-V", "--all", "-r", "repo"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(plain_verify_all(files_in(mem, kRepoDir)), "");
}

void expect_sound_and_tidy(io::MemEnv& mem, const std::string& newest) {
  expect_states(mem, {newest}, Earlier::being_removed);
  const RepozoRun run = run_repozo(mem, {"-V", "--all", "-r", "repo"});
  EXPECT_EQ(run.status, 0) << run.err;
  const Files files = files_in(mem, kRepoDir);
  EXPECT_EQ(plain_verify(files), "");
  for (const auto& [name, content] : files) {
    if (is_lock_name(name)) continue;
    const std::string ending = name.substr(std::min<std::size_t>(name.size(), 20));
    EXPECT_TRUE(ending == "fs" || ending == "fsz" || ending == "deltafs" || ending == "deltafsz" ||
                ending == "index" || ending == "sums" || ending == "dat")
        << name << " is left";
    // Nothing stands there without its backup.
    const bool has_backup = std::any_of(files.begin(), files.end(), [&](const auto& other) {
      return other.first.substr(0, 20) == name.substr(0, 20) && other.first.find("fs") != std::string::npos;
    });
    EXPECT_TRUE(has_backup) << name << " belongs to no backup";
  }
}

void repozo_sweep(const char* name, const Scenario& scenario, std::uint64_t least_cuts,
                  std::uint64_t least_faults) {
  const SweepCount cuts = crash_sweep(scenario);
  if (testing::Test::HasFailure()) return;
  const SweepCount faults = fault_sweep(scenario);
  std::cout << "[ sweep    ] " << name << ": " << cuts.operations << " operations, " << cuts.points
            << " power cuts, " << faults.points << " faults\n";
  EXPECT_GE(cuts.points, least_cuts);
  EXPECT_GE(faults.points, least_faults);
}

}  // namespace support
