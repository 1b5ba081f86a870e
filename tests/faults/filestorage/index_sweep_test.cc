// fsindex with the power cut, and with each system call failing, at every operation.
#include <gtest/gtest.h>

#include <string>

#include "filestorage/index_file.h"
#include "filestorage/rebuild_index.h"
#include "support/bytes_file.h"
#include "support/fixture.h"
#include "support/fs_builder.h"
#include "support/sweep.h"

namespace filestorage {
namespace {

constexpr io::Owner kOwner = {104, 112};
constexpr std::uint32_t kMode = 0640;

std::string right_index() {
  support::BytesFile data(support::school(20)), index;
  Index positions;
  ScanOptions options;
  options.positions = &positions;
  const ScanResult found = scan(data, options);
  write_index(index, positions, found.end, IndexDialect::protocol3, IndexStrings::python3);
  return index.content;
}

void rebuild(io::Env& env) {
  const auto dir = env.open_dir("/data", io::Links::refuse);
  rebuild_index(*dir, "Data.fs", env, {});
}

support::Scenario scenario(const std::string& old_index) {
  support::Scenario result;
  result.prepare = [old_index](io::MemEnv& mem) {
    mem.put_file("/data/Data.fs", support::school(20), kOwner, kMode);
    mem.put_file("/data/Data.fs.index", old_index, kOwner, kMode);
  };
  result.act = rebuild;
  result.verify = [old_index](io::MemEnv& mem, const std::string& where) {
    const auto index = mem.content("/data/Data.fs.index");
    ASSERT_TRUE(index) << where;
    EXPECT_TRUE(*index == old_index || *index == right_index()) << where;
    EXPECT_EQ(mem.content("/data/Data.fs"), support::school(20)) << where;
  };
  result.verify_done = [](io::MemEnv& mem, const std::string& where) {
    EXPECT_EQ(mem.content("/data/Data.fs.index"), right_index()) << where;
  };
  result.verify_final = [](io::MemEnv& mem, const std::string& where) {
    EXPECT_EQ(mem.content("/data/Data.fs.index"), right_index()) << where;
    EXPECT_EQ(mem.status("/data/Data.fs.index")->mode, kMode) << where;
    EXPECT_EQ(mem.status("/data/Data.fs.index")->owner, kOwner) << where;
    const auto names = mem.open_dir("/data", io::Links::refuse)->list();
    EXPECT_EQ(names, (std::vector<std::string>{"Data.fs", "Data.fs.index", "Data.fs.lock"})) << where;
  };
  return result;
}

TEST(IndexSweep, LeavesTheOldIndexOrTheNewOne) {
  const support::Scenario sweep = scenario("an index of some other time");
  EXPECT_GE(support::crash_sweep(sweep).points, 20u);
  EXPECT_GE(support::fault_sweep(sweep).points, 20u);
}

}  // namespace
}  // namespace filestorage
