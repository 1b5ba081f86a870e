#include "support/upgrade_sweep.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include "upgrade/names.h"

namespace support {

Scenario on_machine(std::function<void(io::MemEnv&, Machine&)> prepare, std::function<void(io::Env&)> act) {
  // Lives until the next point: the environment's runner leads to it.
  const auto machine = std::make_shared<std::unique_ptr<Machine>>();
  Scenario scenario;
  scenario.prepare = [machine, prepare = std::move(prepare)](io::MemEnv& mem) {
    *machine = std::make_unique<Machine>(mem);
    prepare(mem, **machine);
  };
  scenario.act = std::move(act);
  return scenario;
}

void expect_nothing_lost(io::MemEnv& mem, const std::vector<std::string>& databases,
                         const std::vector<std::string>& known) {
  EXPECT_NO_THROW(journal_of(mem));
  for (const std::string& database : databases) {
    EXPECT_FALSE(places_of(mem, database).empty()) << "lost: " << brief(database);
  }
  for (const std::string& name : mem.list(kDataDir)) {
    const auto generation = upgrade::parse_generation("Data.fs", name);
    if (!generation || generation->compressed) continue;
    const auto content = mem.content(in_data(name));
    EXPECT_TRUE(content && std::find(known.begin(), known.end(), *content) != known.end())
        << name << " is " << brief(content);
  }
}

void expect_tidy(io::MemEnv& mem, std::size_t held) {
  EXPECT_TRUE(temporaries(mem).empty()) << temporaries(mem).front();
  const std::string vault = in_data(upgrade::kVaultName);
  EXPECT_EQ(mem.status(vault) ? mem.list(vault).size() : 0, held);
}

void expect_live(io::MemEnv& mem, const std::string& database) {
  EXPECT_BYTES(mem.content(in_data("Data.fs")), database);
  const auto status = mem.status(in_data("Data.fs"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->owner, kSchoolOwner);
  EXPECT_EQ(status->mode, kSchoolMode);
}

void sweep(const char* name, const Scenario& scenario, std::uint64_t least_cuts, std::uint64_t least_faults) {
  const SweepCount cuts = crash_sweep(scenario);
  if (testing::Test::HasFailure()) return;
  const SweepCount faults = fault_sweep(scenario);
  std::cout << "[ sweep    ] " << name << ": " << cuts.operations << " operations, " << cuts.points
            << " power cuts, " << faults.points << " faults\n";
  EXPECT_GE(cuts.points, least_cuts);
  EXPECT_GE(faults.points, least_faults);
}

}  // namespace support
