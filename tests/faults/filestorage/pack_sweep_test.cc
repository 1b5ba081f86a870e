// A pack with the power cut, and with each system call failing, at every operation: the old database stands
// or the new one, complete, with all the blobs that it needs and no index but its own; and the next run
// finishes.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <set>
#include <string>

#include "base/error.h"
#include "filestorage/pack.h"
#include "io/atomic_file.h"
#include "support/fixture.h"
#include "support/pack_case.h"
#include "support/sweep.h"

namespace filestorage {
namespace {

const std::string kData = "/data/Data.fs", kIndex = "/data/Data.fs.index", kBlobs = "/data/blobs";
constexpr std::string_view kTorn = "\x03\x99 a transaction that a crash cut short, longer than its header";

struct Case {
  std::string folder;  // of tests/data/fs
  std::string name;    // of the pack in its expected.json
  bool blobs = false;
  bool keep_old = false;
  bool torn = false;  // the file ends in the middle of a transaction
};

using Paths = std::set<std::string>;

Paths paths_below(const io::MemEnv& mem, const std::string& top) {
  Paths paths;
  for (const std::string& line : support::folder_lines(mem, top))
    paths.insert(line.substr(0, line.find(' ')));
  return paths;
}

// What a pack that nothing disturbs makes of it.
struct Wanted {
  std::string old_data, old_index, data, index;
  Paths blobs_before, blobs_after, blobs_old;
};

void prepare(const Case& one, io::MemEnv& mem) {
  support::put_database(mem, "fs/" + one.folder);
  if (one.blobs) support::put_blobs(mem, "fs/" + one.folder);
  if (one.torn) {
    mem.put_file(kData, *mem.content(kData) + std::string(kTorn), support::kPackOwner, 0640);
  }
  if (one.keep_old) {
    mem.put_file(kData + ".old", "of an earlier pack", support::kPackOwner, 0640);
    mem.put_file(kBlobs + ".old/0x01/0x02.blob", "of an earlier pack", support::kPackOwner, 0444);
  }
}

PackRequest request_for(const Case& one) {
  const nlohmann::json expected = support::read_expected("fs/" + one.folder);
  for (const nlohmann::json& pack : expected["packs"]) {
    if (pack["name"] != one.name) continue;
    PackRequest request = support::request_of(pack["steps"].front());
    if (one.blobs) request.blobs = kBlobs;
    request.keep_old = one.keep_old;
    return request;
  }
  throw std::runtime_error("no such case");
}

Wanted undisturbed(const Case& one, const PackRequest& request) {
  io::MemEnv mem;
  prepare(one, mem);
  Wanted wanted;
  wanted.old_data = *mem.content(kData);
  wanted.old_index = *mem.content(kIndex);
  if (one.blobs) wanted.blobs_before = paths_below(mem, kBlobs);
  EXPECT_EQ(pack(mem, "/data", "Data.fs", request).outcome, PackOutcome::packed);
  wanted.data = *mem.content(kData);
  wanted.index = *mem.content(kIndex);
  if (one.blobs) wanted.blobs_after = paths_below(mem, kBlobs);
  if (one.blobs && one.keep_old) wanted.blobs_old = paths_below(mem, kBlobs + ".old");
  return wanted;
}

bool holds(const Paths& all, const Paths& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

void expect_standing(const io::MemEnv& mem, const Case& one, const Wanted& wanted) {
  const auto data = mem.content(kData), index = mem.content(kIndex);
  const bool before = data == wanted.old_data, after = data == wanted.data;
  EXPECT_TRUE(before || after) << "Data.fs is neither";
  EXPECT_EQ(mem.status(kData)->owner, support::kPackOwner);
  EXPECT_EQ(mem.status(kData)->mode, 0640u);
  if (index) {
    EXPECT_EQ(*index, before ? wanted.old_index : wanted.index);
  }
  if (one.blobs) {
    EXPECT_TRUE(holds(paths_below(mem, kBlobs), before ? wanted.blobs_before : wanted.blobs_after));
  }
  if (one.keep_old && after) {
    EXPECT_EQ(mem.content(kData + ".old"), wanted.old_data);
  }
  if (one.torn && after) {
    EXPECT_EQ(mem.content(kData + ".tr0"), std::string(kTorn));
  }
}

void expect_finished(const io::MemEnv& mem, const Case& one, const Wanted& wanted) {
  expect_standing(mem, one, wanted);
  EXPECT_EQ(mem.content(kData), wanted.data);
  if (one.blobs) {
    EXPECT_EQ(paths_below(mem, kBlobs), wanted.blobs_after);
  }
  if (one.blobs && one.keep_old) {
    EXPECT_EQ(paths_below(mem, kBlobs + ".old"), wanted.blobs_old);
  }
  for (const std::string& name : mem.list("/data")) EXPECT_FALSE(io::is_temporary_name(name)) << name;
}

void sweep(const Case& one, std::uint64_t least_cuts, std::uint64_t least_faults) {
  const PackRequest request = request_for(one);
  const Wanted wanted = undisturbed(one, request);
  support::Scenario scenario;
  scenario.prepare = [&](io::MemEnv& mem) { prepare(one, mem); };
  scenario.act = [&](io::Env& env) { pack(env, "/data", "Data.fs", request); };
  scenario.verify = [&](io::MemEnv& mem, const std::string&) { expect_standing(mem, one, wanted); };
  scenario.verify_done = [&](io::MemEnv& mem, const std::string&) {
    expect_finished(mem, one, wanted);
    EXPECT_EQ(mem.content(kIndex), wanted.index);
  };
  scenario.verify_final = [&](io::MemEnv& mem, const std::string&) { expect_finished(mem, one, wanted); };
  const support::SweepCount cuts = support::crash_sweep(scenario, {2, 1});
  const support::SweepCount faults = support::fault_sweep(scenario);
  std::cout << one.folder << " " << one.name << ": " << cuts.operations << " operations, " << cuts.points
            << " power cuts, " << faults.points << " faults\n";
  EXPECT_GE(cuts.points, least_cuts);
  EXPECT_GE(faults.points, least_faults);
}

TEST(PackSweep, WithoutBlobs) {
  sweep({"fs30-undo", "after-05.gc"}, 60, 60);
}
TEST(PackSweep, KeepingTheOldFile) {
  sweep({"fs30-undo", "after-05.gc", false, true}, 60, 60);
}
TEST(PackSweep, OfAFileWithATornEnd) {
  sweep({"fs21-310-chain", "after-04.gc", false, false, true}, 60, 60);
}
// Large enough that buffers are written by a thread of their own.
TEST(PackSweep, OfASchool) {
  sweep({"fs30-school", "end.gc"}, 60, 60);
}
TEST(PackSweep, WithBlobs) {
  sweep({"fs30-blobs-bushy", "end.gc", true}, 100, 150);
}
TEST(PackSweep, WithBlobsInOneFolderEach) {
  sweep({"fs30-blobs-lawn", "end.gc", true}, 100, 150);
}
TEST(PackSweep, WithBlobsKeepingTheOldFiles) {
  sweep({"fs30-blobs-lawn", "two.nogc", true, true}, 200, 200);
}

}  // namespace
}  // namespace filestorage
