// Real damaged databases (tests/data/damage): for every case what ZODB did when it opened the file must
// follow from what the scan says. Where we differ on purpose, a table below says why.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "filestorage/format.h"
#include "filestorage/index_file.h"
#include "filestorage/scan.h"
#include "support/bytes_file.h"
#include "support/fixture.h"
#include "support/index_text.h"

namespace filestorage {
namespace {

using nlohmann::json;
using support::BytesFile;

// Refused by the real program for belonging to the other Python; we read both.
const std::set<std::string> kOtherMagic = {"fs30-corrupt/magic-FS21.fs", "fs21-310-corrupt/magic-FS30.fs"};

// Opened by the real program, which then loses what is behind the break.
const std::set<std::string> kLostTail = {"length-past-end.fs", "length-max.fs", "length-2-63.fs",
                                         "status-c-middle.fs"};

// Used by the real program, which converts these forms of ZODB before 3.10; we rebuild, with the same result.
const std::set<std::string> kOldIndex = {"old-dict.fs", "old-instance.fs"};

// What ZODB does not look at when it opens a file. `back-zero.fs` is not among them: a back pointer 0 is as
// good as any.
const std::map<std::string, Fault> kBeyondZodb = {
    {"record-tid.fs", Fault::record_tid},
    {"back-past-end.fs", Fault::back_pointer},
    {"back-itself.fs", Fault::back_pointer},
    {"back-forward.fs", Fault::back_pointer},
    {"back-middle-of-record.fs", Fault::back_pointer},
    {"back-other-object.fs", Fault::back_pointer},
    {"back-magic.fs", Fault::back_pointer},
};

struct Case {
  std::string folder;
  json facts;
  std::string name() const { return facts["name"]; }
  std::string path() const { return folder + "/" + name(); }
  std::string key() const { return path().substr(std::string("damage/").size()); }
  std::string data() const {
    return support::read_fixture(
        facts.contains("data_file") ? folder + "/" + facts["data_file"].get<std::string>() : path());
  }
  bool has_index() const {
    if (facts.contains("index_file")) return !facts["index_file"].is_null();
    return std::filesystem::exists(std::string(TEST_DATA_DIR) + "/" + path() + ".index");
  }
  std::string index() const {
    return support::read_fixture(facts.contains("index_file")
                                     ? folder + "/" + facts["index_file"].get<std::string>()
                                     : path() + ".index");
  }
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const std::string& folder : support::fixture_folders("damage")) {
    const json expected = support::read_expected(folder);
    for (const json& facts : expected["files"]) cases.push_back({folder, facts});
  }
  return cases;
}

// The warnings of the real program, as our findings: (fault, position).
using Warnings = std::vector<std::pair<Fault, std::uint64_t>>;

// The number at the end of a line of the log, behind `phrase` and anything else; empty if the phrase is not
// there.
std::optional<std::uint64_t> position_in(const std::string& line, const std::string& phrase) {
  if (line.find(phrase) == std::string::npos) return std::nullopt;
  const std::size_t digits = line.find_last_not_of("0123456789") + 1;
  EXPECT_LT(digits, line.size()) << line;
  return std::stoull(line.substr(digits));
}

Warnings logged_warnings(const json& log) {
  static const std::vector<std::pair<std::string, Fault>> kinds = {
      {" time-stamp reduction at ", Fault::tid_order},
      {" has invalid status, ", Fault::bad_status},
      {" incorrect previous pointer at ", Fault::previous_record}};
  Warnings warnings;
  for (const std::string line : log) {
    for (const auto& [phrase, fault] : kinds) {
      if (const auto position = position_in(line, phrase)) warnings.emplace_back(fault, *position);
    }
  }
  return warnings;
}

// Where the real program gave up, and the faults of ours that say the same.
std::pair<std::set<Fault>, std::uint64_t> logged_failure(const json& open) {
  static const std::vector<std::pair<std::string, std::set<Fault>>> kinds = {
      {"invalid transaction header at ", {Fault::bad_length}},
      {"data record exceeds transaction record at ", {Fault::record_bounds, Fault::record_location}},
      {"redundant transaction length check failed at ", {Fault::length_mismatch}},
      {"inconsistent transaction length at ", {Fault::length_mismatch}}};
  const std::string text = open["text"];
  for (const auto& [phrase, faults] : kinds) {
    if (const auto position = position_in(text, phrase)) return {faults, *position};
  }
  // It reads a record's header also where the transaction has no room for one, and then trips over the
  // version length.
  if (text.find("Non-zero version length") != std::string::npos) {
    return {{Fault::version_record, Fault::record_bounds}, 0};
  }
  if (open["error"] == "FileStorageFormatError") return {{Fault::bad_magic}, 0};
  if (open["error"] == "UnicodeDecodeError") return {{Fault::bad_status}, 0};
  ADD_FAILURE() << "an error this test does not know: " << open["error"] << " " << text;
  return {};
}

// Ours of the kinds that the real program warns of, from `start` up to where it gave up.
Warnings our_warnings(const ScanResult& result, std::uint64_t start) {
  Warnings warnings;
  for (const Finding& finding : result.findings) {
    if (finding.fatal) break;
    const bool known = finding.fault == Fault::tid_order || finding.fault == Fault::bad_status ||
                       finding.fault == Fault::previous_record;
    if (known && finding.position >= start) warnings.emplace_back(finding.fault, finding.position);
  }
  return warnings;
}

void expect_failure(const ScanResult& result, const json& open) {
  const auto [faults, position] = logged_failure(open);
  const auto fatal = std::find_if(result.findings.begin(), result.findings.end(),
                                  [](const Finding& finding) { return finding.fatal; });
  ASSERT_NE(fatal, result.findings.end());
  EXPECT_TRUE(faults.contains(fatal->fault)) << fatal->text;
  if (position != 0) {
    EXPECT_EQ(fatal->position, position) << fatal->text;
  }
}

// The tid that the real program has noted when it stopped: that of the piece it cuts off, if a header's worth
// of it is there.
std::string tid_at_end(const ScanResult& result, const std::string& data) {
  if (result.size < result.end + kTransactionHeaderSize) return base::to_hex(result.last_tid);
  const auto piece = base::as_bytes(data).subspan(static_cast<std::size_t>(result.end));
  return base::to_hex(load_transaction_header(piece.data()).tid);
}

// The index that the real program uses: its file's, if believed, and what the scan adds behind its position.
Index merged_index(const std::optional<LoadedIndex>& loaded, const Index& scanned) {
  Index merged;
  if (loaded) loaded->positions.for_each([&](Oid oid, std::uint64_t position) { merged.set(oid, position); });
  scanned.for_each([&](Oid oid, std::uint64_t position) {
    if (!loaded || position >= loaded->position) merged.set(oid, position);
  });
  return merged;
}

std::optional<LoadedIndex> believed_index(const Case& damage, BytesFile& data) {
  if (!damage.has_index()) return std::nullopt;
  BytesFile file(damage.index());
  std::string why;
  auto loaded = read_index(file, why);
  if (loaded && !index_is_believable(data, data.content.size(), *loaded, why)) loaded.reset();
  EXPECT_EQ(why.empty(), loaded.has_value());
  return loaded;
}

TEST(Damage, HasAllItsCases) {
  EXPECT_EQ(all_cases().size(), 248u);
}

TEST(Damage, OpensOrFailsAsTheScanSays) {
  for (const Case& damage : all_cases()) {
    SCOPED_TRACE(damage.key());
    BytesFile file(damage.data());
    Index positions;
    ScanOptions options;
    options.positions = &positions;
    const ScanResult result = scan(file, options);
    const std::optional<LoadedIndex> loaded = believed_index(damage, file);
    const std::uint64_t start = loaded ? loaded->position : 0;

    for (const char* way : {"open_read_only", "open_for_writing"}) {
      SCOPED_TRACE(way);
      const json& open = damage.facts[way];
      if (kOtherMagic.contains(damage.key())) {
        EXPECT_EQ(open["error"], "FileStorageFormatError");
        EXPECT_FALSE(result.damaged());
        continue;
      }
      const bool opens = open.value("error", json()).is_null();
      EXPECT_EQ(result.damaged(), !opens || kLostTail.contains(damage.name()));
      Warnings logged = logged_warnings(open["log"]);
      if (result.tail != Tail::clean) {
        // Of the piece that is cut off we say no more than what it is.
        std::erase_if(logged, [&](const auto& warning) { return opens && warning.second == result.end; });
      }
      EXPECT_EQ(our_warnings(result, start), logged);
      if (!opens) {
        expect_failure(result, open);
        continue;
      }
      EXPECT_EQ(result.end, open["end_of_data"]);
      EXPECT_EQ(open["last_transaction"], result.tail == Tail::clean ? base::to_hex(result.last_tid)
                                                                     : tid_at_end(result, file.content));
      EXPECT_EQ(loaded.has_value() || kOldIndex.contains(damage.name()), open["index_used"]);
      const Index merged = merged_index(loaded, positions);
      EXPECT_EQ(merged.size(), open["index_entries"]);
      EXPECT_EQ(support::md5_hex(support::index_text(merged)), open["index_md5"]);
      Oid max_oid = 0;
      merged.for_each([&](Oid oid, std::uint64_t) { max_oid = oid; });
      EXPECT_EQ(base::to_hex(max_oid), open["max_oid"]);
      if (!loaded) {
        EXPECT_EQ(base::to_hex(result.max_oid), open["max_oid"]);
      }
    }
  }
}

TEST(Damage, IsCutOffWhereTheScanEnds) {
  for (const Case& damage : all_cases()) {
    SCOPED_TRACE(damage.key());
    const json& open = damage.facts["open_for_writing"];
    if (!open.value("error", json()).is_null()) continue;
    BytesFile file(damage.data());
    Index positions;
    ScanOptions options;
    options.positions = &positions;
    const ScanResult result = scan(file, options);
    EXPECT_EQ(result.end, open["size_after"]);
    EXPECT_EQ(result.tail == Tail::clean, result.size == open["size_after"] || result.size == 0);
    if (open.contains("index_file_md5_after") && !open["index_file_md5_after"].is_null()) {
      const Index merged = merged_index(believed_index(damage, file), positions);
      const bool fs30 = damage.folder.find("fs30") != std::string::npos;
      BytesFile written;
      write_index(written, merged, result.end, fs30 ? IndexDialect::protocol3 : IndexDialect::protocol1,
                  fs30 ? IndexStrings::python3 : IndexStrings::python2);
      EXPECT_EQ(support::md5_hex(written.content), open["index_file_md5_after"]);
    }
  }
}

TEST(Damage, BehindABreakIsReportedAsLost) {
  for (const Case& damage : all_cases()) {
    if (!kLostTail.contains(damage.name())) continue;
    SCOPED_TRACE(damage.key());
    BytesFile file(damage.data());
    const ScanResult result = scan(file, {});
    ASSERT_EQ(result.findings.size(), 1u);
    EXPECT_EQ(result.findings[0].fault, Fault::lost_tail);
    EXPECT_TRUE(result.findings[0].fatal);
    EXPECT_EQ(result.findings[0].position, result.end);
    EXPECT_EQ(find_end(file, file.content.size()), file.content.size());
  }
}

TEST(Damage, ThatZodbDoesNotSeeIsFoundToo) {
  for (const Case& damage : all_cases()) {
    const json& open = damage.facts["open_read_only"];
    if (!open.value("error", json()).is_null() || !open["log"].empty() || damage.has_index()) continue;
    if (kLostTail.contains(damage.name())) continue;
    SCOPED_TRACE(damage.key());
    BytesFile file(damage.data());
    Index positions;
    ScanOptions options;
    options.positions = &positions;
    const ScanResult result = scan(file, options);
    const auto expected = kBeyondZodb.find(damage.name());
    if (expected == kBeyondZodb.end()) {
      EXPECT_TRUE(result.findings.empty()) << result.findings[0].text;
    } else {
      ASSERT_EQ(result.findings.size(), 1u);
      EXPECT_EQ(result.findings[0].fault, expected->second);
      EXPECT_FALSE(result.findings[0].fatal);
      const std::string how = damage.facts["how"];
      const std::size_t number = how.find("record at ");
      ASSERT_NE(number, std::string::npos);
      EXPECT_EQ(result.findings[0].position, std::stoull(how.substr(number + 10)));
    }
  }
}

TEST(Damage, AtTheEndIsFoundByFindEndToo) {
  for (const Case& damage : all_cases()) {
    SCOPED_TRACE(damage.key());
    BytesFile file(damage.data());
    const ScanResult result = scan(file, {});
    const std::uint64_t end = find_end(file, file.content.size());
    if (!result.damaged()) {
      EXPECT_EQ(end, result.end);
    } else {
      EXPECT_GE(end, result.end);  // it does not look at what is before a good end
    }
  }
}

TEST(Damage, OfEachKindOfTailIsTold) {
  const std::map<std::string, Tail> tails = {{"whole.fs", Tail::clean},
                                             {"last-plus-1.fs", Tail::torn},
                                             {"in-data.fs", Tail::torn},
                                             {"one-byte-short.fs", Tail::torn},
                                             {"plus-zeros-5.fs", Tail::zeros},
                                             {"plus-zeros-22.fs", Tail::zeros},
                                             {"plus-zeros-23.fs", Tail::zeros},
                                             {"plus-zeros-4096.fs", Tail::zeros},
                                             {"plus-noise-10.fs", Tail::torn},
                                             {"plus-huge-length.fs", Tail::torn},
                                             {"plus-voted-torn.fs", Tail::torn},
                                             {"plus-voted-not-finished.fs", Tail::unfinished},
                                             {"empty.fs", Tail::clean},
                                             {"magic-only.fs", Tail::clean},
                                             {"magic-and-a-byte.fs", Tail::torn},
                                             {"first-transaction-torn.fs", Tail::torn},
                                             {"status-c-last.fs", Tail::unfinished}};
  std::size_t seen = 0;
  for (const Case& damage : all_cases()) {
    const auto expected = tails.find(damage.name());
    if (expected == tails.end()) continue;
    SCOPED_TRACE(damage.key());
    BytesFile file(damage.data());
    EXPECT_EQ(scan(file, {}).tail, expected->second);
    ++seen;
  }
  EXPECT_EQ(seen, 2 * tails.size() + 2);  // both magics; an empty index is an empty.fs too
}

}  // namespace
}  // namespace filestorage
