// What the sweeps over repozo share.
#pragma once

#include <string>
#include <vector>

#include "support/repozo_school.h"
#include "support/sweep.h"

namespace support {

// `repozo WORDS...` on the school's machine that `prepare` sets up; an exit status of 1 counts as an error.
Scenario repozo_scenario(std::function<void(io::MemEnv&)> prepare, const std::vector<std::string>& words);

// What has become of the states before the newest one.
enum class Earlier {
  kept,          // all are there
  being_removed  // from the newest on, so that an earlier one of the chain may stand for it
};

// Whatever happened: each state that can be asked for, by ours and as the original picks it, is the one of
// that moment, or there is none; the newest one is one of `newest`.
void expect_states(io::MemEnv& mem, const std::vector<std::string>& newest, Earlier earlier = Earlier::kept);
// Every chain that stands there is good, says verify, and each of them says the original's: before anything
// is finished or swept.
void expect_all_chains_good(io::MemEnv& mem);
// Verify is content, the original too, and nothing is left of what was cut short.
void expect_sound_and_tidy(io::MemEnv& mem, const std::string& newest);

// Both sweeps, at least so many points in each; says how many were tried.
void repozo_sweep(const char* name, const Scenario& scenario, std::uint64_t least_cuts,
                  std::uint64_t least_faults);

}  // namespace support
