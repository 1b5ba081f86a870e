// What the sweeps over upgrades share: a scenario on a Machine, and what must hold whatever happened.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/scene.h"
#include "support/sweep.h"

namespace support {

// `act` runs on a machine that `prepare` has set up; both get it, new for each point.
Scenario on_machine(std::function<void(io::MemEnv&, Machine&)> prepare, std::function<void(io::Env&)> act);

// The journal can be read; each of `databases` stands complete somewhere; each plain generation is one of
// `known`, complete.
void expect_nothing_lost(io::MemEnv& mem, const std::vector<std::string>& databases,
                         const std::vector<std::string>& known);
// Neither temporaries nor more than `held` copies in the vault.
void expect_tidy(io::MemEnv& mem, std::size_t held);
// Owner, mode and content of the live database.
void expect_live(io::MemEnv& mem, const std::string& database);

// Both sweeps, at least so many points in each; says how many were tried.
void sweep(const char* name, const Scenario& scenario, std::uint64_t least_cuts, std::uint64_t least_faults);

}  // namespace support
