// Recover and verify with the power cut, and with each system call failing, at every operation: the output is
// the old or the new file, complete, with an index that fits or none; the repository is not touched.
#include <gtest/gtest.h>

#include "support/repozo_sweep.h"
#include "support/scene.h"

namespace {

using support::kOldIndex;
using support::kOldOutput;
using support::kStamps;
using support::Packing;
using support::Scenario;
using support::school_states;

const std::string kOut = std::string(support::kRepozoDir) + "/out.fs";

std::string index_of(std::size_t backup) {
  return support::school_repository(Packing::plain).at(kStamps[backup] + ".index");
}

void expect_repository_untouched(io::MemEnv& mem, Packing packing) {
  EXPECT_TRUE(support::without_extras(support::files_in(mem, support::kRepoDir)) ==
              support::without_extras(support::school_repository(packing)));
}

void expect_old_or_new(io::MemEnv& mem, const std::string& whole, const std::string& whole_index) {
  const auto content = mem.content(kOut);
  const auto index = mem.content(kOut + ".index");
  ASSERT_TRUE(content);
  if (*content == kOldOutput) {
    if (index) {
      EXPECT_BYTES(index, kOldIndex);
    }
  } else {
    EXPECT_BYTES(content, whole);
    if (index) {
      EXPECT_BYTES(index, whole_index);
    }
  }
  const auto status = mem.status(kOut);
  EXPECT_EQ(status->owner, (io::Owner{33, 44}));
  EXPECT_EQ(status->mode, 0640u);
}

void expect_new(io::MemEnv& mem, const std::string& whole, const std::string& whole_index) {
  EXPECT_BYTES(mem.content(kOut), whole);
  EXPECT_BYTES(mem.content(kOut + ".index"), whole_index);
  const auto status = mem.status(kOut);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->owner, (io::Owner{33, 44}));
  EXPECT_EQ(status->mode, 0640u);
}

Scenario recover(std::size_t backup, const std::vector<std::string>& options, Packing packing) {
  std::vector<std::string> words = {"-R", "-r", "repo", "-o", "out.fs"};
  words.insert(words.end(), options.begin(), options.end());
  Scenario scenario =
      support::repozo_scenario([packing](io::MemEnv& mem) { support::put_school(mem, packing); }, words);
  const std::string whole = school_states()[backup];
  const std::string index = index_of(backup);
  scenario.verify = [=](io::MemEnv& mem, const std::string&) {
    expect_old_or_new(mem, whole, index);
    expect_repository_untouched(mem, packing);
  };
  scenario.verify_done = [=](io::MemEnv& mem, const std::string&) { EXPECT_BYTES(mem.content(kOut), whole); };
  scenario.verify_final = [=](io::MemEnv& mem, const std::string&) {
    expect_new(mem, whole, index);
    expect_repository_untouched(mem, packing);
    EXPECT_EQ(mem.list(support::kRepozoDir).size(), 4u) << "something is left beside out.fs";
  };
  return scenario;
}

TEST(RepozoRecoverSweep, OverAFile) {
  support::repozo_sweep("recover", recover(3, {}, Packing::plain), 40, 100);
}

TEST(RepozoRecoverSweep, OfCompressedBackups) {
  support::repozo_sweep("recover, compressed", recover(3, {}, Packing::gzip), 40, 100);
}

TEST(RepozoRecoverSweep, OfAnEarlierMomentByMd5) {
  support::repozo_sweep("recover -w -D", recover(1, {"-w", "-D", kStamps[1]}, Packing::plain), 40, 100);
}

// Reading alone: a failing call is told, and nothing changes.
TEST(RepozoVerifySweep, ChangesNothing) {
  for (const Packing packing : {Packing::plain, Packing::gzip}) {
    Scenario scenario = support::repozo_scenario(
        [packing](io::MemEnv& mem) { support::put_school(mem, packing); }, {"-V", "--all", "-r", "repo"});
    scenario.verify = [packing](io::MemEnv& mem, const std::string&) {
      expect_repository_untouched(mem, packing);
    };
    scenario.verify_final = scenario.verify;
    support::repozo_sweep(packing == Packing::plain ? "verify" : "verify, compressed", scenario, 0, 40);
  }
}

}  // namespace
