// What --json and --progress tell of backups and recovers. (Of verify: verify_all_test.cc.)
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "repozo/program.h"
#include "support/fs_builder.h"
#include "support/repozo_school.h"
#include "support/scene.h"

namespace {

using nlohmann::json;
using support::kStamps;
using support::Packing;
using support::RepozoRun;

const std::string kData = std::string(support::kRepozoDir) + "/Data.fs";
const std::string kOut = std::string(support::kRepozoDir) + "/out.fs";
const std::string kNow = "2026-02-05-03-15-00";

class RepozoJson : public testing::Test {
 protected:
  RepozoJson() { support::put_school(mem_, Packing::plain); }
  json report(std::vector<std::string> words) {
    words.insert(words.end(), {"--json", "-r", "repo"});
    const RepozoRun run = support::run_repozo_at(mem_, kNow, words);
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.err, "");
    return json::parse(run.out);
  }
  io::MemEnv mem_;
  const std::string held_ = support::school_states().back(), grown_ = support::school(60);
};

TEST_F(RepozoJson, TellsOfAnIncrement) {
  mem_.put_file(kData, grown_);
  const json told = report({"-B", "-f", "Data.fs"});
  const std::string piece = grown_.substr(held_.size());
  const json expected = {{"action", "incremental"},
                         {"reason", "the database has grown"},
                         {"chain", kStamps[0]},
                         {"stamp", kNow},
                         {"name", kNow + ".deltafs"},
                         {"start", held_.size()},
                         {"end", grown_.size()},
                         {"stored", piece.size()},
                         {"md5", told.at("md5")},
                         {"removed", json::array()},
                         {"damage", ""}};
  EXPECT_EQ(told, expected);
  // The sum is the one that the .dat has.
  const std::string dat = *mem_.content(std::string(support::kRepoDir) + "/" + kStamps[0] + ".dat");
  EXPECT_TRUE(dat.ends_with(" " + told.at("md5").get<std::string>() + "\n")) << dat;
}

TEST_F(RepozoJson, TellsOfAFullBackupAndWhatWentForIt) {
  const json told = report({"-B", "-F", "-z", "-k", "-f", "Data.fs"});
  EXPECT_EQ(told.at("action"), "full");
  EXPECT_EQ(told.at("reason"), "it was asked for");
  EXPECT_EQ(told.at("chain"), kNow);
  EXPECT_EQ(told.at("name"), kNow + ".fsz");
  EXPECT_EQ(told.at("start"), 0u);
  EXPECT_EQ(told.at("end"), held_.size());
  EXPECT_EQ(told.at("stored"),
            mem_.content(std::string(support::kRepoDir) + "/" + kNow + ".fsz").value_or("").size());
  EXPECT_EQ(told.at("removed"), json({kStamps[0] + ".fs", kStamps[1] + ".deltafs", kStamps[2] + ".deltafs",
                                      kStamps[3] + ".deltafs"}));
}

TEST_F(RepozoJson, TellsWhatIsNewestWhenThereIsNothingToDo) {
  const json told = report({"-B", "-f", "Data.fs"});
  EXPECT_EQ(told.at("action"), "none");
  EXPECT_EQ(told.at("reason"), "no changes");
  EXPECT_EQ(told.at("chain"), kStamps[0]);
  EXPECT_EQ(told.at("name"), kStamps[3] + ".deltafs");
  EXPECT_EQ(told.at("end"), held_.size());
}

TEST_F(RepozoJson, TellsOfARecover) {
  EXPECT_EQ(report({"-R", "-D", kStamps[1], "-o", "out.fs"}),
            json({{"stamp", kStamps[1]},
                  {"output", "out.fs"},
                  {"size", support::school_states()[1].size()},
                  {"index", true}}));
  EXPECT_BYTES(mem_.content(kOut), support::school_states()[1]);
  mem_.remove_all(std::string(support::kRepoDir) + "/" + kStamps[3] + ".index");
  EXPECT_EQ(report({"-R", "-o", "out.fs"}).at("index"), false);
}

// Without a file for it, the database is what goes to standard output.
TEST_F(RepozoJson, OfARecoverNeedsAnOutputFile) {
  const RepozoRun run = support::run_repozo(mem_, {"-R", "--json", "-r", "repo"});
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_TRUE(run.err.ends_with("\n--json needs --output in recover mode\n")) << run.err;
}

TEST_F(RepozoJson, IsNotPrintedOfAFailure) {
  mem_.put_file(kData, "no database");
  const RepozoRun run = support::run_repozo(mem_, {"-B", "--json", "-r", "repo", "-f", "Data.fs"});
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_NE(run.err, "");
}

struct Task {
  std::string name;
  std::uint64_t bytes = 0;               // as told at its start
  std::vector<std::uint64_t> done = {};  // as told on the way
};

// The tasks of `repozo WORDS...`; each has to rise to its end.
std::vector<Task> tasks_of(io::MemEnv& mem, const std::vector<std::string>& words) {
  std::vector<std::unique_ptr<Task>> tasks;
  repozo::Surroundings surroundings;
  surroundings.progress = [&](const std::string& name, std::uint64_t bytes) {
    tasks.push_back(std::make_unique<Task>(Task{name, bytes}));
    return [task = tasks.back().get()](std::uint64_t done) { task->done.push_back(done); };
  };
  std::ostringstream out, err;
  EXPECT_EQ(repozo::run_program(mem, support::kRepozoDir, words, out, err, surroundings), 0) << err.str();
  EXPECT_EQ(err.str(), "");
  std::vector<Task> told;
  for (const auto& task : tasks) {
    EXPECT_TRUE(std::is_sorted(task->done.begin(), task->done.end())) << task->name;
    EXPECT_FALSE(task->done.empty()) << task->name;
    if (!task->done.empty()) {
      EXPECT_EQ(task->done.back(), task->bytes) << task->name;
    }
    told.push_back(*task);
  }
  return told;
}

std::string names_of(const std::vector<Task>& tasks) {
  std::string names;
  for (const Task& task : tasks) names += (names.empty() ? "" : ", ") + task.name;
  return names;
}

TEST(RepozoProgress, IsToldOfEveryLongTaskFromItsStartToItsEnd) {
  for (const Packing packing : {Packing::plain, Packing::gzip}) {
    io::MemEnv mem;
    support::put_school(mem, packing);
    const std::string held = support::school_states().back(), grown = support::school(60);
    EXPECT_EQ(names_of(tasks_of(mem, {"-V", "--progress", "-r", "repo"})), "verifying");
    std::vector<Task> tasks = tasks_of(mem, {"-R", "--progress", "-r", "repo", "-o", "out.fs"});
    EXPECT_EQ(names_of(tasks), "recovering");
    EXPECT_EQ(tasks.at(0).bytes, held.size());
    EXPECT_EQ(names_of(tasks_of(mem, {"-R", "--progress", "-r", "repo"})), "recovering");
    mem.put_file(kData, grown);
    tasks = tasks_of(mem, {"-B", "--progress", "-r", "repo", "-f", "Data.fs"});
    EXPECT_EQ(names_of(tasks), "comparing, copying");
    EXPECT_EQ(tasks.at(0).bytes, held.size());
    EXPECT_EQ(tasks.at(1).bytes, grown.size() - held.size());
    tasks = tasks_of(mem, {"-B", "-F", "-z", "--progress", "-r", "repo", "-f", "Data.fs"});
    EXPECT_EQ(names_of(tasks), "copying");
    EXPECT_EQ(tasks.at(0).bytes, grown.size());
  }
}

TEST(RepozoProgress, IsNotToldUnlessItWasAskedFor) {
  io::MemEnv mem;
  support::put_school(mem, Packing::plain);
  EXPECT_EQ(names_of(tasks_of(mem, {"-R", "-r", "repo", "-o", "out.fs"})), "");
  EXPECT_EQ(names_of(tasks_of(mem, {"-B", "-F", "-r", "repo", "-f", "Data.fs"})), "");
}

}  // namespace
