// Every pack of every database in tests/data/fs: the file, byte for byte, and what happened, must be as the
// real programs had it.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/error.h"
#include "filestorage/pack.h"
#include "support/fixture.h"
#include "support/pack_case.h"

namespace filestorage {
namespace {

using support::PackStep;

const std::string kData = "/data/Data.fs";

struct Result {
  std::optional<PackReport> report;
  std::string error;
};

Result run_pack(io::MemEnv& mem, const PackRequest& request) {
  try {
    return {pack(mem, support::kPackDir, "Data.fs", request), ""};
  } catch (const base::Error& error) {
    return {std::nullopt, error.what()};
  }
}

// Nothing beside the database but what belongs there.
void expect_tidy(io::MemEnv& mem) {
  for (const std::string& name : mem.list(support::kPackDir)) {
    EXPECT_TRUE(name == "Data.fs" || name == "Data.fs.index" || name == "Data.fs.lock") << name;
  }
}

void expect_outcome(const PackStep& step, const PackReport& report) {
  const bool replaced = step.expected["data_replaced"];
  EXPECT_EQ(report.outcome == PackOutcome::packed, replaced) << to_string(report.outcome);
  EXPECT_EQ(report.outcome == PackOutcome::redundant, step.expected["redundant"].get<bool>())
      << to_string(report.outcome);
  EXPECT_EQ(report.size_after, step.expected["size"]);
  if (replaced) {
    EXPECT_EQ(report.objects, step.expected["objects_in_index"]);
  }
}

TEST(PackFixtures, TidsOfTimesAreZodbs) {
  support::for_each_pack([](io::MemEnv&, const PackStep& step) {
    EXPECT_EQ(base::to_hex(support::request_of(step.expected).options.stop), step.expected["tid"]);
  });
}

TEST(PackFixtures, LikeZodbGivesZodbsBytesAndFailures) {
  std::map<std::string, std::set<std::string>> texts;
  unsigned replaced = 0, failed = 0;
  support::for_each_pack([&](io::MemEnv& mem, const PackStep& step) {
    PackRequest request = support::request_of(step.expected);
    request.options.flaws = PackFlaws::copied;
    const Result result = run_pack(mem, request);
    EXPECT_EQ(support::md5_hex(*mem.content(kData)), step.expected["md5"]) << result.error;
    expect_tidy(mem);
    if (!step.expected["error"].is_null()) {
      ++failed;
      EXPECT_FALSE(result.report);
      texts[step.expected["error"]].insert(result.error);
      if (step.expected.contains("error_oid")) {
        EXPECT_NE(result.error.find(step.expected["error_oid"]), std::string::npos) << result.error;
      }
      return;
    }
    ASSERT_TRUE(result.report) << result.error;
    expect_outcome(step, *result.report);
    replaced += step.expected["data_replaced"] ? 1U : 0U;
  });
  EXPECT_EQ(replaced, 620u);
  EXPECT_EQ(failed, 159u);
  for (const auto& text : texts["KeyError"]) EXPECT_NE(text.find("did not exist"), std::string::npos) << text;
  for (const auto& text : texts["PackError"])
    EXPECT_NE(text.find("invalid backp"), std::string::npos) << text;
  for (const auto& text : texts["AssertionError"])
    EXPECT_NE(text.find("found again"), std::string::npos) << text;
}

TEST(PackFixtures, IndexFilesAreZodbs) {
  for (const PackFlaws flaws : {PackFlaws::mended, PackFlaws::copied}) {
    std::string folder, name;
    unsigned compared = 0;
    std::map<std::string, std::string> last;  // case -> MD5 of its index
    std::set<std::string> other;              // cases that differ on purpose
    support::for_each_pack([&](io::MemEnv& mem, const PackStep& step) {
      PackRequest request = support::request_of(step.expected);
      request.options.flaws = flaws;
      const Result result = run_pack(mem, request);
      const std::string one = step.folder + " " + step.name;
      if (!result.report || result.report->rescued != 0 || !step.expected["error"].is_null())
        other.insert(one);
      const auto index = mem.content(kData + ".index");
      const std::string wanted = support::index_md5_of(step.folder, step.name);
      if (!wanted.empty() && index) last[one + "\t" + wanted] = support::md5_hex(*index);
    });
    for (const auto& [key, md5] : last) {
      const std::size_t tab = key.find('\t');
      if (other.count(key.substr(0, tab)) != 0) continue;
      ++compared;
      EXPECT_EQ(md5, key.substr(tab + 1)) << key;
    }
    EXPECT_GE(compared, 480u);
  }
}

// Where ZODB's pack succeeds, ours gives the same bytes, but for the databases where ZODB's loses an object.
// Where it fails over undos, ours does not.
TEST(PackFixtures, MendsOnlyWhatZodbLosesOrFailsAt) {
  std::set<std::string> rescued;
  unsigned mended = 0;
  support::for_each_pack([&](io::MemEnv& mem, const PackStep& step) {
    const Result result = run_pack(mem, support::request_of(step.expected));
    expect_tidy(mem);
    const nlohmann::json& error = step.expected["error"];
    if (error == "KeyError") {
      EXPECT_FALSE(result.report);
      return;
    }
    ASSERT_TRUE(result.report) << result.error;
    if (!error.is_null()) {
      ++mended;
    } else if (result.report->rescued != 0) {
      rescued.insert(step.folder.substr(step.folder.find('/') + 1));
    } else {
      EXPECT_EQ(support::md5_hex(*mem.content(kData)), step.expected["md5"]);
      expect_outcome(step, *result.report);
    }
  });
  EXPECT_EQ(mended, 124u);
  // In all of these ZODB's output has references to nothing where the database had none; in the others not.
  EXPECT_EQ(rescued,
            (std::set<std::string>{"fs21-310-future-lost", "fs21-310-fuzz-0", "fs21-310-garbage-cycles",
                                   "fs30-future-lost", "fs30-fuzz-1", "fs30-fuzz-2", "fs30-garbage-cycles"}));
}

// Packed once more to now, what was packed before has no reference to nothing; nor has what ZODB packed, but
// for the cases where it lost something.
TEST(PackFixtures, LosesNothingThatIsInUse) {
  PackOptions now;
  now.stop = ~base::Tid{0};
  for (const PackFlaws flaws : {PackFlaws::mended, PackFlaws::copied}) {
    std::set<std::string> dangling;
    support::for_each_pack([&](io::MemEnv& mem, const PackStep& step) {
      const auto dangles = [&] {
        const auto file = mem.open_dir("/data", io::Links::refuse)->open_file("Data.fs", io::Access::read);
        return select_records(*file, file->status().size, now).dangling_objects != 0;
      };
      const bool before = dangles();
      PackRequest request = support::request_of(step.expected);
      request.options.flaws = flaws;
      const Result result = run_pack(mem, request);
      if (!result.report || result.report->outcome != PackOutcome::packed || before) return;
      if (dangles()) dangling.insert(step.folder + " " + step.name);
    });
    EXPECT_EQ(dangling.empty(), flaws == PackFlaws::mended);
    if (flaws == PackFlaws::mended) {
      for (const std::string& one : dangling) ADD_FAILURE() << one;
    }
  }
}

}  // namespace
}  // namespace filestorage
