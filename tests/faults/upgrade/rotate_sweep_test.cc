// Rotation with the power cut, or a failing system call, at every operation. At each of these points every
// generation that is not to be removed stands complete, plain or compressed, and a second run brings the same
// result as an undisturbed one.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "support/generations.h"
#include "support/sweep.h"
#include "upgrade/journal.h"
#include "upgrade/rotate.h"

namespace upgrade {
namespace {

using support::rotation::blank_database;
using support::rotation::database;
using support::rotation::gzipped;

using Files = std::map<std::string, std::string>;

struct Case {
  Files before;                              // names in the data folder
  std::map<std::string, std::string> after;  // number -> content
  std::string names_after;
  std::size_t good_minimum = 2;  // good databases that are there at any time
  unsigned keep = 7, keep_min = 2;
  std::uint64_t min_free = 0;
};

// One of these contents, or none.
bool is_good(const std::string& content) {
  for (unsigned school = 1; school < 10; ++school) {
    if (content == database(school)) return true;
  }
  return false;
}

std::vector<std::string> complete_contents(const io::MemEnv& mem) {
  std::vector<std::string> found;
  for (const Generation& one : generations_in("Data.fs", mem.list(support::rotation::kDataDir))) {
    const auto stored =
        mem.content(std::string(support::rotation::kDataDir) + "/" + generation_name("Data.fs", one));
    if (stored) found.push_back(one.compressed ? support::rotation::gunzipped(*stored) : *stored);
  }
  return found;
}

support::Scenario scenario(const Case& one) {
  support::Scenario scenario;
  scenario.prepare = [&one](io::MemEnv& mem) {
    mem.put_dir(kStateRoot, {}, 0700);
    support::rotation::put_data_folder(mem, one.before);
    mem.set_now({mem.now().seconds + 86'400, 0});  // nothing there is young
  };
  scenario.act = [&one](io::Env& env) {
    Instance instance = support::rotation::standard_instance();
    instance.settings.keep = one.keep;
    instance.settings.keep_min = one.keep_min;
    instance.settings.min_free = one.min_free;
    const RotateReport report = rotate(env, instance, {});
    if (!report.failed.empty()) throw base::Error(base::ErrorKind::io, "rotate", "", report.failed.front());
  };
  scenario.verify = [&one](io::MemEnv& mem, const std::string& where) {
    const std::vector<std::string> found = complete_contents(mem);
    for (const auto& [number, content] : one.after) {
      EXPECT_NE(std::find(found.begin(), found.end(), content), found.end())
          << number << " is lost: " << where;
    }
    const auto good = std::count_if(found.begin(), found.end(), is_good);
    EXPECT_GE(static_cast<std::size_t>(good), one.good_minimum) << where;
    EXPECT_EQ(mem.content(std::string(support::rotation::kDataDir) + "/Data.fs"), one.before.at("Data.fs"))
        << where;
  };
  scenario.verify_final = [&one](io::MemEnv& mem, const std::string& where) {
    EXPECT_EQ(support::rotation::generations(mem), one.after) << where;
    EXPECT_EQ(support::rotation::generation_names(mem), one.names_after) << where;
    for (const std::string& name : mem.list(support::rotation::kDataDir)) {
      EXPECT_NE(name.front(), '.') << "left over: " << name << ": " << where;
      const io::FileStatus status = *mem.status(std::string(support::rotation::kDataDir) + "/" + name);
      EXPECT_EQ(status.owner, support::rotation::kSchooltool) << name << ": " << where;
      EXPECT_EQ(status.mode, 0640U) << name << ": " << where;
    }
  };
  scenario.verify_done = scenario.verify_final;
  return scenario;
}

void sweep(const Case& one, std::uint64_t least_operations) {
  const support::Scenario swept = scenario(one);
  const support::SweepCount cuts = support::crash_sweep(swept);
  const support::SweepCount faults = support::fault_sweep(swept);
  EXPECT_GE(cuts.operations, least_operations);
  EXPECT_GE(cuts.points, 6 * least_operations);
  EXPECT_GE(faults.points, 3 * least_operations);
  std::cout << "rotate: " << cuts.operations << " operations, " << cuts.points << " power cuts, "
            << faults.points << " faults\n";
}

TEST(RotateSweep, Compressing) {
  sweep({{{"Data.fs", database(9)},
          {"Data.fs.0", database(9)},
          {"Data.fs.1", database(8)},
          {"Data.fs.2", database(7)},
          {"Data.fs.3.gz", gzipped(database(6))}},
         {{"0", database(9)}, {"1", database(8)}, {"2", database(7)}, {"3", database(6)}},
         "0 1.gz 2.gz 3.gz",
         4},
        24);
}

TEST(RotateSweep, Retention) {
  sweep({{{"Data.fs", database(9)},
          {"Data.fs.0", database(9)},
          {"Data.fs.1", database(8)},
          {"Data.fs.2.gz", gzipped(blank_database())},
          {"Data.fs.3.gz", gzipped(database(6))},
          {"Data.fs.4", database(5)},
          {"Data.fs.5.gz", gzipped(database(4))}},
         {{"0", database(9)}, {"1", database(8)}, {"2", blank_database()}},
         "0 1.gz 2.gz",
         2,
         3,
         2},
        20);
}

TEST(RotateSweep, RetentionDownToTheOnlyGoodCopy) {
  sweep({{{"Data.fs", blank_database()},
          {"Data.fs.0", blank_database()},
          {"Data.fs.1.gz", gzipped(std::string(2000, '\0'))},
          {"Data.fs.2", database(7)},
          {"Data.fs.3.gz", gzipped(database(6))}},
         {{"0", blank_database()}, {"2", database(7)}},
         "0 2.gz",
         1,
         1,
         1,
         ~std::uint64_t{0}},
        16);
}

TEST(RotateSweep, FinishingWhatAnInterruptedRunLeft) {
  sweep({{{"Data.fs", database(9)},
          {"Data.fs.0", database(9)},
          {"Data.fs.1", database(8)},
          {"Data.fs.1.gz", gzipped(database(8))},
          {"Data.fs.2", database(7)},
          {"Data.fs.2.gz", gzipped(database(7)).substr(0, 50)},
          {".Data.fs.3.gz.dbtools-0123456789abcdef.tmp", "half"},
          {"Data.fs.3", database(6)}},
         {{"0", database(9)}, {"1", database(8)}, {"2", database(7)}, {"3", database(6)}},
         "0 1.gz 2.gz 3.gz",
         4},
        24);
}

TEST(RotateSweep, MakingTwoNumbersOfOne) {
  sweep({{{"Data.fs", database(9)},
          {"Data.fs.0", database(9)},
          {"Data.fs.1", database(7)},
          {"Data.fs.1.gz", gzipped(database(8))},
          {"Data.fs.2.gz", gzipped(database(6))},
          {"Data.fs.3", database(5)}},
         {{"0", database(9)}, {"1", database(8)}, {"2", database(7)}, {"3", database(6)}, {"4", database(5)}},
         "0 1.gz 2.gz 3.gz 4.gz",
         5},
        24);
}

}  // namespace
}  // namespace upgrade
