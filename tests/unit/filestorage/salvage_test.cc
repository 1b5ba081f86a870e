// Salvaging real damaged databases (tests/data/damage): what is written is whole, and no more is lost than
// has to be.
#include "filestorage/salvage.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "filestorage/check.h"
#include "filestorage/record_walk.h"
#include "io/mem_env.h"
#include "support/bytes_file.h"
#include "support/errors.h"
#include "support/fixture.h"

namespace filestorage {
namespace {

using base::ErrorKind;
using support::BytesFile;
using support::fails_with;

struct Salvaged {
  SalvageReport report;
  std::vector<Loss> losses;
  std::string content;
};

Salvaged salvaged(const std::string& damaged) {
  io::MemEnv mem;
  mem.put_file("/data/Data.fs", damaged);
  const auto dir = mem.open_dir("/data", io::Links::refuse);
  const auto from = dir->open_file("Data.fs", io::Access::read);
  Salvaged result;
  result.report =
      salvage(*from, *dir, "saved.fs", mem, {}, [&](const Loss& loss) { result.losses.push_back(loss); });
  result.content = *mem.content("/data/saved.fs");
  return result;
}

// The data of each object's revisions: what a reader of the database gets, whatever the positions.
using Revisions = std::map<std::pair<Oid, Tid>, std::string>;
Revisions revisions(const std::string& content) {
  BytesFile file(content);
  ForwardReader in(file, content.size()), far(file, content.size());
  Revisions found;
  walk_records(
      in, kMagicSize, [](std::uint64_t) { return false; },
      [&](const WalkedRecord& record) {
        const FoundData data = find_data(far, record);
        found[{record.header.oid, record.header.tid}] =
            data.what == FoundData::What::data ? content.substr(data.position, data.length) : "none";
      });
  return found;
}

std::size_t problems(const std::string& content) {
  BytesFile file(content);
  CheckOptions options;
  options.references = false;
  std::size_t count = 0;
  check(file, options, [&](const Problem&) { ++count; });
  return count;
}

TEST(Salvage, CopiesAWholeDatabaseAsItIs) {
  for (const std::string& folder : support::fixture_folders("fs")) {
    SCOPED_TRACE(folder);
    const std::string content = support::read_fixture(folder + "/Data.fs");
    const Salvaged result = salvaged(content);
    EXPECT_EQ(revisions(result.content), revisions(content));
    if (result.report.undone != 0) continue;
    EXPECT_TRUE(result.report.complete());
    EXPECT_TRUE(result.losses.empty());
    EXPECT_EQ(result.content.size(), content.size());
  }
}

// Damage to one thing in the middle costs the transaction it is in at most, and no other revision changes.
TEST(Salvage, LosesNoMoreThanTheDamagedTransaction) {
  const std::set<std::string> empties = {"zeroed-to-end.fs"};  // all behind it is gone
  for (const std::string folder : {"damage/fs30-corrupt", "damage/fs21-310-corrupt"}) {
    const nlohmann::json expected = support::read_expected(folder);
    const std::size_t intact = expected["intact"]["transactions"];
    for (const nlohmann::json& entry : expected["files"]) {
      const std::string name = entry["name"];
      SCOPED_TRACE(folder + "/" + name + ": " + entry["how"].get<std::string>());
      const Salvaged result = salvaged(support::read_fixture(folder + "/" + name));
      EXPECT_EQ(problems(result.content), 0u);
      EXPECT_GE(result.report.transactions + 1 + (empties.count(name) != 0 ? intact : 0), intact);
    }
  }
}

TEST(Salvage, SetsRightWhatIsWrittenTwice) {
  for (const std::string folder : {"damage/fs30-corrupt", "damage/fs21-310-corrupt"}) {
    const nlohmann::json expected = support::read_expected(folder);
    for (const char* name :
         {"status-x-middle.fs", "status-c-middle.fs", "status-ff-middle.fs", "wrong-tloc.fs", "record-tid.fs",
          "wrong-prev.fs", "zero-prev.fs", "tid-goes-back.fs", "byte-inserted.fs", "byte-removed.fs",
          "middle-cut-out.fs", "last-transaction-twice.fs"}) {
      SCOPED_TRACE(folder + "/" + name);
      const Salvaged result = salvaged(support::read_fixture(folder + std::string("/") + name));
      EXPECT_EQ(problems(result.content), 0u);
      const std::string label = name;
      const bool loses_one = label.starts_with("byte-") || label.starts_with("middle");
      EXPECT_EQ(result.report.transactions + (loses_one ? 1 : 0), expected["intact"]["transactions"]);
    }
  }
}

TEST(Salvage, TellsWhatATornEndCost) {
  for (const std::string folder : {"damage/fs30-torn", "damage/fs21-310-torn"}) {
    for (const nlohmann::json& entry :
         support::read_expected(folder)["files"].get<std::vector<nlohmann::json>>()) {
      const std::string name = entry["name"];
      SCOPED_TRACE(folder + "/" + name);
      const std::string content = support::read_fixture(folder + "/" + name);
      try {
        const Salvaged result = salvaged(content);
        EXPECT_EQ(problems(result.content), 0u);
        EXPECT_EQ(result.content.size() + result.report.bytes_lost, content.size());
      } catch (const base::Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::corrupt);  // nothing but a header, or less
      }
    }
  }
}

TEST(Salvage, LeavesOutARecordWhoseBackPointerLeadsNowhere) {
  for (const std::string folder :
       {"damage/fs30-corrupt-back-pointers", "damage/fs21-310-corrupt-back-pointers"}) {
    const nlohmann::json expected = support::read_expected(folder);
    for (const nlohmann::json& entry : expected["files"]) {
      const std::string name = entry["name"];
      SCOPED_TRACE(folder + "/" + name);
      const Salvaged result = salvaged(support::read_fixture(folder + "/" + name));
      EXPECT_EQ(problems(result.content), 0u);
      EXPECT_EQ(result.report.transactions, expected["intact"]["transactions"]);
      EXPECT_EQ(result.report.records_lost, name == "back-zero.fs" ? 0u : 2u);  // another leads to it
    }
  }
}

TEST(Salvage, KeepsDataOfAnUndoWhoseTargetWasLost) {
  // The transaction that a back pointer leads to is made unreadable by its trailing length alone.
  const std::string content = support::read_fixture("fs/fs30-undo/Data.fs");
  BytesFile file(content);
  ForwardReader in(file, content.size());
  std::uint64_t target = 0, location = 0;
  walk_records(
      in, kMagicSize, [](std::uint64_t) { return false; },
      [&](const WalkedRecord& record) {
        if (target == 0 && record.back != 0) target = record.back;
      });
  ASSERT_NE(target, 0u);
  location = walked_record_at(in, target, content.size())->header.transaction;
  std::string damaged = content;
  const auto header = load_transaction_header(base::as_bytes(content).data() + location);
  damaged[location + header.length + 7] ^= 1;
  const Salvaged result = salvaged(damaged);
  Revisions expected = revisions(content);
  for (auto at = expected.begin(); at != expected.end();)
    at = at->first.second == header.tid ? expected.erase(at) : std::next(at);
  EXPECT_EQ(revisions(result.content), expected);
  EXPECT_EQ(result.report.records_lost, 0u);
}

TEST(Salvage, RefusesANameThatIsTakenAndAFullDisk) {
  io::MemEnv mem;
  mem.put_file("/data/Data.fs", support::read_fixture("fs/fs30-fresh/Data.fs"));
  mem.put_file("/data/taken", "x");
  const auto dir = mem.open_dir("/data", io::Links::refuse);
  const auto from = dir->open_file("Data.fs", io::Access::read);
  const auto run = [&](const char* name) { salvage(*from, *dir, name, mem, {}, [](const Loss&) {}); };
  EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { run("taken"); }));
  mem.put_file("/data/Other.fs", "nothing of the kind");
  const auto other = dir->open_file("Other.fs", io::Access::read);
  EXPECT_TRUE(
      fails_with(ErrorKind::corrupt, [&] { salvage(*other, *dir, "new", mem, {}, [](const Loss&) {}); }));
  EXPECT_EQ(dir->list().size(), 3u);
}

TEST(Salvage, TellsTheSameInADryRunAndWritesNothing) {
  const std::string damaged = support::read_fixture("damage/fs30-corrupt/noise-512.fs");
  io::MemEnv mem;
  mem.put_file("/data/Data.fs", damaged);
  const auto dir = mem.open_dir("/data", io::Links::refuse);
  const auto from = dir->open_file("Data.fs", io::Access::read);
  SalvageOptions options;
  options.dry_run = true;
  const SalvageReport report = salvage(*from, *dir, "saved.fs", mem, options, [](const Loss&) {});
  const Salvaged real = salvaged(damaged);
  EXPECT_EQ(report.size, real.report.size);
  EXPECT_EQ(report.bytes_lost, real.report.bytes_lost);
  EXPECT_EQ(dir->list().size(), 1u);
}

}  // namespace
}  // namespace filestorage
