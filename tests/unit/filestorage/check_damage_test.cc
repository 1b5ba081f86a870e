// Damaged databases (tests/data/damage): whatever fstest and fsrefs found is found, object by object; where
// they broke or did not end, something is found.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "filestorage/check.h"
#include "support/bytes_file.h"
#include "support/fixture.h"

namespace filestorage {
namespace {

using support::BytesFile;

// Holder, target, reason in fsrefs' words.
using Dangling = std::set<std::tuple<Oid, Oid, std::string>>;

std::string reason_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::dangling_missing: return "missing";
    case ProblemKind::dangling_undone: return "object creation was undone";
    case ProblemKind::dangling_unreadable: return "failed to load";
    default: return "";
  }
}

struct Checked {
  std::vector<Problem> problems;
  CheckReport report;

  Dangling dangling() const {
    Dangling found;
    for (const Problem& problem : problems) {
      if (const std::string reason = reason_of(problem.kind); !reason.empty())
        found.emplace(problem.oid, problem.target, reason);
    }
    return found;
  }
  // Of the kinds that fstest looks for.
  std::size_t structural() const {
    std::size_t count = 0;
    for (const Problem& problem : problems) {
      const bool fstest = problem.fault != Fault::record_tid && problem.fault != Fault::back_pointer;
      if (problem.kind == ProblemKind::structure && fstest) ++count;
      if (problem.kind >= ProblemKind::empty_file && problem.kind <= ProblemKind::zeros_at_end) ++count;
    }
    return count;
  }
};

Checked checked(const std::string& content) {
  Checked result;
  BytesFile file(content);
  result.report = check(file, {}, [&](const Problem& problem) { result.problems.push_back(problem); });
  return result;
}

// What fsrefs printed: "oid 0x2 class", two more lines, then "\toid 0x07 missing: '<unknown>'".
Dangling parse_fsrefs(const std::string& text) {
  Dangling found;
  std::istringstream lines(text);
  Oid holder = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool target = line.starts_with("\toid ");
    if (!target && !line.starts_with("oid ")) continue;
    const std::size_t at = target ? 5 : 4;
    const std::size_t space = line.find(' ', at);
    const Oid oid = std::stoull(line.substr(at + 2, space - at - 2), nullptr, 16);
    if (target) {
      found.emplace(holder, oid, line.substr(space + 1, line.find(':', space) - space - 1));
    } else {
      holder = oid;
    }
  }
  return found;
}

bool passed(const nlohmann::json& run) {
  return run["exit"].is_number() && run["exit"] == 0;
}

TEST(CheckDamage, IsFoundWhereTheRealToolsFindIt) {
  std::size_t cases = 0, dangling = 0;
  for (const std::string& folder : support::fixture_folders("damage")) {
    const nlohmann::json all = support::read_expected(folder);
    for (const nlohmann::json& entry : all["files"]) {
      if (!entry.contains("fstest")) continue;
      const std::string name = entry["name"];
      SCOPED_TRACE(folder + "/" + name + ": " + entry.value("how", ""));
      if (entry.contains("data_file")) continue;
      const std::string path = folder + "/" + name;
      const Checked found = checked(support::read_fixture(path));
      ++cases;
      // A file of the other Python's magic is refused by ZODB and no fault to us.
      if (name.find("magic-FS21") != std::string::npos || name.find("magic-FS30") != std::string::npos)
        continue;

      EXPECT_EQ(passed(entry["fstest"]), found.structural() == 0);
      if (passed(entry["fsrefs"])) {
        const Dangling expected = parse_fsrefs(entry["fsrefs"]["stdout"]);
        const Dangling ours = found.dangling();
        if (found.report.structure.breaks.empty()) {
          EXPECT_EQ(ours, expected);
        } else {  // fsrefs does not see what is behind
          EXPECT_TRUE(std::includes(ours.begin(), ours.end(), expected.begin(), expected.end()));
        }
        dangling += expected.size();
      } else {
        EXPECT_FALSE(found.problems.empty());
      }
    }
  }
  EXPECT_GT(cases, 150u);
  EXPECT_GT(dangling, 10u);
}

TEST(CheckDamage, IsToldWithItsPlace) {
  for (const std::string& folder : support::fixture_folders("damage")) {
    const nlohmann::json all = support::read_expected(folder);
    for (const nlohmann::json& entry : all["files"]) {
      if (!entry.contains("fstest")) continue;
      SCOPED_TRACE(folder + "/" + entry["name"].get<std::string>());
      if (entry.contains("data_file")) continue;
      const std::string content = support::read_fixture(folder + "/" + entry["name"].get<std::string>());
      const Checked found = checked(content);
      EXPECT_EQ(found.problems.size(), found.report.problems());
      for (const Problem& problem : found.problems) {
        EXPECT_LT(problem.position, std::max<std::size_t>(content.size(), 1));
        EXPECT_FALSE(problem.text.empty());
        if (!reason_of(problem.kind).empty()) {
          EXPECT_FALSE(problem.class_name.empty());
          EXPECT_NE(problem.tid, 0u);
        }
      }
    }
  }
}

// All index files beside one data file, and whether ZODB used them and ended up with the right index.
TEST(CheckDamage, OfTheIndexIsFoundInEveryEntry) {
  std::size_t cases = 0, unnoticed = 0;
  for (const std::string folder : {"damage/fs30-index", "damage/fs21-310-index"}) {
    const nlohmann::json expected = support::read_expected(folder);
    std::string right;
    for (const nlohmann::json& entry : expected["files"]) {
      if (entry["name"] == "none.fs") right = entry["open_read_only"]["index_md5"];
    }
    for (const nlohmann::json& entry : expected["files"]) {
      if (entry["index_file"].is_null()) continue;
      const std::string name = entry["index_file"];
      SCOPED_TRACE(folder + "/" + name + ": " + entry.value("how", ""));
      std::string data_name = entry["data_file"];
      if (data_name.ends_with(".xz")) data_name.resize(data_name.size() - 3);
      BytesFile data(support::read_fixture(folder + "/" + data_name));
      BytesFile index(support::read_fixture(folder + "/" + name));
      std::vector<Problem> problems;
      CheckOptions options;
      options.references = false;
      options.index = &index;
      check(data, options, [&](const Problem& problem) { problems.push_back(problem); });
      const nlohmann::json& open = entry["open_read_only"];
      // ZODB converts what versions before 3.10 wrote; to us such an index is of no use.
      const bool older = name.starts_with("old-");
      const bool used = open["index_used"] && !older, good = open["index_md5"] == right;
      EXPECT_EQ(problems.empty(), used && good) << (problems.empty() ? "" : problems.front().text);
      ++cases;
      if (used && !good) ++unnoticed;
    }
  }
  EXPECT_GT(cases, 20u);
  EXPECT_GT(unnoticed, 3u);
}

TEST(CheckFixtures, AreCleanButForThoseMadeWithDanglingReferences) {
  for (const std::string& folder : support::fixture_folders("fs")) {
    SCOPED_TRACE(folder);
    const Checked found = checked(support::read_fixture(folder + "/Data.fs"));
    const nlohmann::json counts = support::read_expected(folder)["object_counts"];
    EXPECT_EQ(found.structural(), 0u);
    std::set<Oid> targets;
    for (const auto& [holder, target, reason] : found.dangling()) targets.insert(target);
    for (const Problem& problem : found.problems) {
      EXPECT_TRUE(!reason_of(problem.kind).empty() || problem.kind == ProblemKind::no_root)
          << to_string(problem.kind) << " " << problem.text;
    }
    std::set<Oid> expected;
    for (const nlohmann::json& oid : counts["referenced_but_not_loadable"])
      expected.insert(std::stoull(oid.get<std::string>(), nullptr, 16));
    for (const Problem& problem : found.problems) {
      if (problem.kind == ProblemKind::no_root) targets.insert(0);
    }
    EXPECT_EQ(targets, expected);
  }
}

}  // namespace
}  // namespace filestorage
