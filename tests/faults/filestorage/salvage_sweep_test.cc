// fscheck --salvage with the power cut, and with each system call failing, at every operation.
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "filestorage/salvage.h"
#include "filestorage/scan.h"
#include "io/atomic_file.h"
#include "support/bytes_file.h"
#include "support/fs_builder.h"
#include "support/sweep.h"

namespace filestorage {
namespace {

// A few transactions, of which the second has two wrong lengths.
std::string damaged() {
  std::string content = support::school(8);
  const auto first = load_transaction_header(base::as_bytes(content).data() + kMagicSize);
  const std::size_t second = kMagicSize + first.length + kTrailerSize;
  const auto lost = load_transaction_header(base::as_bytes(content).data() + second);
  content[second + 14] ^= 0x7f;
  content[second + lost.length + 6] ^= 0x3f;
  return content;
}

void run(io::Env& env) {
  const auto dir = env.open_dir("/data", io::Links::refuse);
  io::sweep_temporaries(*dir, "saved.fs");
  if (dir->status("saved.fs")) return;  // by a run that was cut behind the rename
  const auto from = dir->open_file("Data.fs", io::Access::read);
  salvage(*from, *dir, "saved.fs", env, {}, [](const Loss&) {});
}

void expect_whole_if_there(io::MemEnv& mem, const std::string& where) {
  EXPECT_EQ(mem.content("/data/Data.fs"), damaged()) << where;
  const auto saved = mem.content("/data/saved.fs");
  if (!saved) return;
  support::BytesFile file(*saved);
  const ScanResult found = scan(file, {});
  EXPECT_TRUE(found.findings.empty()) << where;
  EXPECT_EQ(found.transactions, 7u) << where;
}

TEST(SalvageSweep, LeavesAWholeFileOrNone) {
  support::Scenario scenario;
  scenario.prepare = [](io::MemEnv& mem) { mem.put_file("/data/Data.fs", damaged()); };
  scenario.act = run;
  scenario.verify = expect_whole_if_there;
  scenario.verify_final = [](io::MemEnv& mem, const std::string& where) {
    expect_whole_if_there(mem, where);
    EXPECT_TRUE(mem.content("/data/saved.fs")) << where;
    EXPECT_EQ(mem.open_dir("/data", io::Links::refuse)->list().size(), 2u) << where;
  };
  scenario.verify_done = [](io::MemEnv& mem, const std::string& where) {
    EXPECT_TRUE(mem.content("/data/saved.fs")) << where;
  };
  EXPECT_GE(support::crash_sweep(scenario).points, 10u);
  EXPECT_GE(support::fault_sweep(scenario).points, 15u);
}

}  // namespace
}  // namespace filestorage
