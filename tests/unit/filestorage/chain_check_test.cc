#include "filestorage/chain_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "filestorage/scan.h"
#include "support/bytes_file.h"
#include "support/fixture.h"

namespace filestorage {
namespace {

ChainCheck checked(const std::string& content, std::size_t piece) {
  ChainCheck check;
  for (std::size_t at = 0; at < content.size(); at += piece) {
    check.update(base::as_bytes(std::string_view(content).substr(at, piece)));
  }
  return check;
}

// Every database among the test data, sound or damaged.
std::vector<std::string> databases() {
  std::vector<std::string> names;
  for (const char* parent : {"fs", "damage"}) {
    for (const std::string& folder : support::fixture_folders(parent)) {
      for (const auto& entry :
           std::filesystem::directory_iterator(std::string(TEST_DATA_DIR) + "/" + folder)) {
        std::string name = entry.path().filename();
        if (name.ends_with(".xz")) name.resize(name.size() - 3);
        if (name.ends_with(".fs")) names.push_back(folder + "/" + name);
      }
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void expect_agreement(const std::string& content, const std::string& name) {
  support::BytesFile file(content);
  const ScanResult result = scan(file, {});
  const ChainCheck check = checked(content, 65536);
  EXPECT_EQ(check.size(), content.size()) << name;
  EXPECT_EQ(check.whole(), !content.empty() && !result.damaged() && result.tail == Tail::clean) << name;
  if (!check.whole()) return;
  EXPECT_EQ(check.transactions(), result.transactions) << name;
  EXPECT_EQ(check.records(), result.records) << name;
  EXPECT_EQ(check.last_tid(), result.last_tid) << name;
}

TEST(ChainCheck, AgreesWithTheScanOfEveryDatabaseThereIs) {
  const std::vector<std::string> names = databases();
  EXPECT_GT(names.size(), 60U);
  std::size_t whole = 0;
  for (const std::string& name : names) {
    const std::string content = support::read_fixture(name);
    expect_agreement(content, name);
    whole += checked(content, 65536).whole() ? 1U : 0U;
  }
  EXPECT_GT(whole, 20U);
  EXPECT_LT(whole, names.size());
}

// "record by record" in full: a small database cut at every length, and with every byte of its first part
// changed.
TEST(ChainCheck, AgreesWithTheScanAtEveryLengthAndForEveryDamagedByte) {
  const std::string content = support::read_fixture("fs/fs30-bootstrap/Data.fs");
  ASSERT_TRUE(checked(content, 65536).whole());
  for (std::size_t length = 0; length <= std::min<std::size_t>(content.size(), 2000); ++length) {
    expect_agreement(content.substr(0, length), "cut at " + std::to_string(length));
  }
  for (std::size_t at = 0; at < std::min<std::size_t>(content.size(), 2000); ++at) {
    for (const int bits : {0x01, 0x80, 0xff}) {
      std::string damaged = content;
      damaged[at] = static_cast<char>(damaged[at] ^ bits);
      expect_agreement(damaged, "byte " + std::to_string(at));
    }
  }
}

TEST(ChainCheck, SaysTheSameHoweverThePiecesAreCut) {
  const std::string content = support::read_fixture("fs/fs30-bootstrap/Data.fs");
  const ChainCheck whole = checked(content, content.size());
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 22U, 23U, 41U, 42U, 43U, 1000U}) {
    const ChainCheck check = checked(content, piece);
    EXPECT_TRUE(check.whole()) << piece;
    EXPECT_EQ(check.transactions(), whole.transactions()) << piece;
    EXPECT_EQ(check.records(), whole.records()) << piece;
    EXPECT_EQ(check.last_tid(), whole.last_tid()) << piece;
  }
}

TEST(ChainCheck, StaysBrokenWhateverFollows) {
  ChainCheck check = checked("GIF8", 4);
  EXPECT_TRUE(check.broken());
  check.update(base::as_bytes(support::read_fixture("fs/fs30-bootstrap/Data.fs")));
  EXPECT_TRUE(check.broken());
  EXPECT_FALSE(check.whole());
  EXPECT_EQ(check.transactions(), 0U);
}

TEST(ChainCheck, TakesAMagicAloneForWholeAndNothingForNotWhole) {
  EXPECT_FALSE(ChainCheck().whole());
  EXPECT_FALSE(checked("FS3", 4).whole());
  EXPECT_TRUE(checked("FS30", 4).whole());
  EXPECT_TRUE(checked("FS21", 1).whole());
  EXPECT_EQ(checked("FS21", 1).transactions(), 0U);
}

}  // namespace
}  // namespace filestorage
