// What verify tells, beyond the first fault; and that nothing random gets through.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "support/fs_builder.h"
#include "support/repozo_school.h"
#include "support/scene.h"

namespace {

using support::Files;
using support::kStamps;
using support::Packing;
using support::RepozoRun;

const std::string kRepo = std::string(support::kRepoDir) + "/";
const std::string kData = std::string(support::kRepozoDir) + "/Data.fs";
const std::string kOut = std::string(support::kRepozoDir) + "/out.fs";

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void flip(io::MemEnv& mem, const std::string& name, std::size_t at) {
  std::string content = *mem.content(kRepo + name);
  content.at(at) = static_cast<char>(content.at(at) ^ 4);
  mem.put_file(kRepo + name, content);
}

TEST(RepozoVerifyAll, TellsEveryFaultOfEveryChain) {
  io::MemEnv mem;
  support::put_school(mem, Packing::plain);
  ASSERT_EQ(support::run_repozo(mem, {"-B", "-F", "-r", "repo", "-f", "Data.fs"}).status, 0);
  flip(mem, kStamps[0] + ".fs", 100);
  flip(mem, kStamps[2] + ".deltafs", 10);
  // The newest chain is good, and without --all that is what counts.
  EXPECT_EQ(support::run_repozo(mem, {"-V", "-r", "repo"}).status, 0);
  const RepozoRun all = support::run_repozo(mem, {"-V", "--all", "-r", "repo"});
  EXPECT_EQ(all.status, 1);
  EXPECT_EQ(lines_of(all.err), 2u) << all.err;
  EXPECT_NE(all.err.find("repo/" + kStamps[0] + ".fs "), std::string::npos) << all.err;
  EXPECT_NE(all.err.find("repo/" + kStamps[2] + ".deltafs "), std::string::npos) << all.err;
}

TEST(RepozoVerifyAll, StopsAtTheFirstFaultOfTheNewestChainWithoutIt) {
  io::MemEnv mem;
  support::put_school(mem, Packing::plain);
  flip(mem, kStamps[1] + ".deltafs", 10);
  flip(mem, kStamps[3] + ".deltafs", 10);
  const RepozoRun run = support::run_repozo(mem, {"-V", "-r", "repo"});
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(lines_of(run.err), 1u) << run.err;
  EXPECT_NE(run.err.find(kStamps[1] + ".deltafs"), std::string::npos) << run.err;
}

TEST(RepozoVerifyAll, ReportsAsJson) {
  io::MemEnv mem;
  support::put_school(mem, Packing::gzip);
  flip(mem, kStamps[1] + ".deltafsz", 40);
  const RepozoRun run = support::run_repozo(mem, {"-V", "--all", "--json", "-r", "repo"});
  EXPECT_EQ(run.status, 1);
  const auto report = nlohmann::json::parse(run.out);
  EXPECT_EQ(report.at("good"), false);
  ASSERT_EQ(report.at("faults").size(), 1u);
  EXPECT_EQ(report["faults"][0].at("name"), kStamps[1] + ".deltafsz");
  EXPECT_EQ(report.at("chains").at(0).at("files").size(), 4u);
}

// Of a database of some megabytes, the megabyte is named; the first and last byte count as much as any other.
TEST(RepozoVerifyAll, NamesTheDamagedBlock) {
  const std::string database = support::school(9000);
  const std::size_t blocks = (database.size() + (1 << 20) - 1) >> 20;
  ASSERT_GT(blocks, 3u);
  io::MemEnv mem;
  mem.put_dir(support::kRepoDir);
  mem.put_file(kData, database);
  ASSERT_EQ(support::run_repozo_at(mem, kStamps[0], {"-B", "-r", "repo", "-f", "Data.fs"}).status, 0);
  const std::string name = kStamps[0] + ".fs";
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t begin = block << 20, end = std::min(database.size(), (block + 1) << 20);
    for (const std::size_t at : {begin, end - 1}) {
      flip(mem, name, at);
      const RepozoRun run = support::run_repozo(mem, {"-V", "-r", "repo"});
      EXPECT_EQ(run.status, 1);
      EXPECT_EQ(run.err, "repo/" + name + " is damaged in block " + std::to_string(block) + " (bytes " +
                             std::to_string(begin) + " to " + std::to_string(end) + ")\n");
      flip(mem, name, at);
    }
  }
  EXPECT_EQ(support::run_repozo(mem, {"-V", "-r", "repo"}).status, 0);
}

// Random changes of random files, several at a time.
class RandomDamage {
 public:
  explicit RandomDamage(unsigned seed) : random_(seed) {}

  void apply(io::MemEnv& mem) {
    for (std::size_t times = 1 + below(3); times > 0; --times) {
      const Files files = support::files_in(mem, support::kRepoDir);
      auto file = files.begin();
      std::advance(file, static_cast<std::ptrdiff_t>(below(files.size())));
      std::string content = file->second;
      switch (below(7)) {
        case 0: mem.remove_all(kRepo + file->first); continue;
        case 1: content.resize(below(content.size() + 1)); break;
        case 2: content.insert(below(content.size() + 1), below(20), static_cast<char>(below(256))); break;
        case 3: content.erase(below(content.size() + 1), below(50)); break;
        case 4:
          content = std::next(files.begin(), static_cast<std::ptrdiff_t>(below(files.size())))->second;
          break;
        default:
          if (!content.empty()) content[below(content.size())] = static_cast<char>(below(256));
          break;
      }
      mem.put_file(kRepo + file->first, content);
    }
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  std::mt19937 random_;
};

TEST(RepozoRandomDamage, NeverGivesWrongBytesAndNeverKeepsTheNextBackupFromBeingGood) {
  std::size_t told = 0, recovered = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    io::MemEnv mem;
    support::put_school(mem, seed % 2 == 0 ? Packing::plain : Packing::gzip);
    RandomDamage(seed).apply(mem);
    told += support::run_repozo(mem, {"-V", "-r", "repo"}).status == 1;
    RepozoRun run = support::run_repozo(mem, {"-R", "-r", "repo", "-o", "out.fs"});
    if (run.status == 0) {
      ++recovered;
      // Of a chain whose end is gone without a trace an earlier state is all there is.
      const auto& states = support::school_states();
      EXPECT_NE(std::find(states.begin(), states.end(), mem.content(kOut).value_or("")), states.end())
          << run.err;
    } else {
      EXPECT_NE(run.err, "");
      EXPECT_BYTES(mem.content(kOut), support::kOldOutput);
    }
    run = support::run_repozo(mem, {"-B", "-r", "repo", "-f", "Data.fs"});
    EXPECT_EQ(run.status, 0) << run.err;
    run = support::run_repozo(mem, {"-R", "-r", "repo"});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_BYTES(run.out, support::school_states().back());
    if (HasFailure()) return;
  }
  EXPECT_GT(told, 300u);
  EXPECT_GT(recovered, 20u);
}

}  // namespace
