// Real records and values (tests/data/pickles): the references and the JSON must be what Python's reader and
// the real ZODB found.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/error.h"
#include "pickle/json.h"
#include "pickle/opcode.h"
#include "pickle/record_class.h"
#include "pickle/scanner.h"
#include "pickle/values.h"
#include "pickle/walk.h"
#include "support/errors.h"
#include "support/fixture.h"
#include "support/hex.h"

namespace pickle {
namespace {

using support::bytes_of_hex;

nlohmann::json load(const std::string& name) {
  return nlohmann::json::parse(support::read_fixture("pickles/" + name));
}

std::vector<std::string> sorted_hex(std::span<const base::Oid> oids) {
  std::set<std::string> texts;
  for (const base::Oid oid : oids) texts.insert(base::to_hex(oid));
  return {texts.begin(), texts.end()};
}

class RealRecords : public testing::TestWithParam<const char*> {};

TEST_P(RealRecords, GiveTheReferencesTheClassAndTheJson) {
  const nlohmann::json file = load(GetParam());
  Scanner scanner;
  ASSERT_GT(file["records"].size(), 300u);
  for (const nlohmann::json& record : file["records"]) {
    const std::string data = bytes_of_hex(record["hex"]);
    const nlohmann::json& expected = record["json"];
    SCOPED_TRACE(record["oid"].get<std::string>() + " " + expected.dump().substr(0, 200));
    const base::ByteSpan bytes = base::as_bytes(data);

    EXPECT_EQ(nlohmann::json(sorted_hex(scanner.strong(bytes))), expected["strong_refs"]);
    EXPECT_EQ(nlohmann::json::parse(record_json(bytes)), expected);

    const auto found = class_of(bytes);
    EXPECT_EQ(found ? nlohmann::json(found->full_name()) : nlohmann::json(), expected["class"]);
    EXPECT_EQ(found && found->alone, expected["class_pickle"].contains("global"));
  }
}

INSTANTIATE_TEST_SUITE_P(Records, RealRecords,
                         testing::Values("records-fs30.json", "records-fs21-58.json",
                                         "records-fs21-310.json"));

TEST(RealValues, OfEveryProtocolGiveTheJson) {
  const nlohmann::json file = load("values.json");
  std::set<int> protocols;
  for (const nlohmann::json& value : file["pickles"]) {
    SCOPED_TRACE(value["value"].get<std::string>() + " in protocol " + value["protocol"].dump());
    const std::string data = bytes_of_hex(value["hex"]);
    Values values(base::as_bytes(data));
    std::size_t at = 0;
    const NodeId root = values.read(at);
    EXPECT_EQ(at, data.size());
    EXPECT_EQ(nlohmann::json::parse(to_json(values, root)), value["json"]);
    protocols.insert(value["protocol"].get<int>());
  }
  EXPECT_EQ(protocols, (std::set<int>{0, 1, 2, 3, 4, 5}));
}

TEST(RealValues, AreWalkedByTheScannerInEveryProtocol) {
  Scanner scanner;
  const nlohmann::json file = load("values.json");
  for (const nlohmann::json& value : file["pickles"]) {
    // As the state of a record, behind a class pickle.
    const std::string record = "cschool.low\nThing\n." + bytes_of_hex(value["hex"]);
    EXPECT_TRUE(scanner.strong(base::as_bytes(record)).empty()) << value["value"];
  }
}

// "28*5000 6c*5000 2e": bytes with repeat counts.
std::string odd_bytes(const std::string& text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    const std::size_t star = word.find('*');
    const std::size_t times = star == std::string::npos ? 1 : std::stoul(word.substr(star + 1));
    for (std::size_t i = 0; i < times; ++i) bytes += bytes_of_hex(word.substr(0, star));
    at = end + 1;
  }
  return bytes;
}

bool reads(const std::string& data) {
  try {
    Values values(base::as_bytes(data));
    std::size_t at = 0;
    const NodeId root = values.read(at);
    EXPECT_TRUE(nlohmann::json::accept(to_json(values, root)));
    return true;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
    return false;
  }
}

bool scans(const std::string& record) {
  try {
    Scanner().strong(base::as_bytes(record));
    return true;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
    return false;
  }
}

TEST(OddPickles, AreRefusedOrReadAsByPythonOrTheModel) {
  const nlohmann::json odd = load("odd.json")["pickles"];
  ASSERT_EQ(odd.size(), 37u);
  for (const nlohmann::json& entry : odd) {
    SCOPED_TRACE(entry["case"].get<std::string>());
    const std::string data = odd_bytes(entry["hex"]);
    const bool model = entry["model"] == "reads", python = entry["python"] == "reads";
    const bool ours = reads(data);
    EXPECT_TRUE(ours == model || ours == python);
  }
}

TEST(OddPickles, NeverGetTheScannerOutOfStep) {
  const nlohmann::json file = load("odd.json");
  for (const nlohmann::json& entry : file["pickles"]) {
    SCOPED_TRACE(entry["case"].get<std::string>());
    const std::string data = odd_bytes(entry["hex"]);
    scans(data);
    scans("N." + data);
    for (std::size_t length = 0; length < std::min<std::size_t>(data.size(), 200); ++length)
      scans("N." + data.substr(0, length));
  }
}

TEST(OddPickles, CutAnywhereAreNeverRead) {
  const nlohmann::json file = load("values.json");
  for (const nlohmann::json& value : file["pickles"]) {
    const std::string data = bytes_of_hex(value["hex"]);
    if (data.size() > 2000) continue;
    for (std::size_t length = 0; length < data.size(); ++length) {
      EXPECT_FALSE(reads(data.substr(0, length))) << value["value"] << " cut to " << length;
    }
  }
}

// Collects the names of the opcodes that the real records use: the table must know them all.
TEST(OpcodeTable, NamesWhatPythonNames) {
  std::set<std::string> known;
  for (int byte = 0; byte < 256; ++byte) {
    const auto opcode = static_cast<Opcode>(byte);
    EXPECT_EQ(name_of(opcode).empty(), protocol_of(opcode) < 0);
    known.emplace(name_of(opcode));
  }
  EXPECT_EQ(known.size(), 69u);  // 68 opcodes, and none
  const nlohmann::json file = load("values.json");
  for (const nlohmann::json& value : file["pickles"]) {
    for (const nlohmann::json& name : value["opcodes"]) EXPECT_EQ(known.count(name), 1u) << name;
  }
}

}  // namespace
}  // namespace pickle
