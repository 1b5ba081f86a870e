#include "upgrade/content.h"

#include <gtest/gtest.h>

#include "base/xxh128.h"
#include "support/bytes_file.h"
#include "support/fixture.h"
#include "support/generations.h"

namespace upgrade {
namespace {

using support::BytesFile;

constexpr std::uint64_t kNoLimit = 1'000'000'000;

std::string digest(const std::string& bytes) {
  base::Xxh128 digest;
  digest.update(base::as_bytes(bytes));
  return digest.hex();
}

Content plain(const std::string& bytes) {
  BytesFile file(bytes);
  return read_plain(file, {});
}
Content compressed(const std::string& bytes, std::uint64_t limit = kNoLimit) {
  BytesFile file(bytes);
  return read_compressed(file, limit);
}

TEST(Content, IsTheSamePlainAndCompressed) {
  const std::string database = support::rotation::database(7, 5, 300'000);
  for (const Content& content : {plain(database), compressed(support::rotation::gzipped(database))}) {
    EXPECT_TRUE(content.readable);
    EXPECT_EQ(content.length, database.size());
    EXPECT_EQ(content.xxh128, digest(database));
    EXPECT_TRUE(content.whole);
    EXPECT_TRUE(content.good);
    EXPECT_NE(content.last_tid, 0U);
  }
  EXPECT_TRUE(plain(database).same_bytes(compressed(support::rotation::gzipped(database))));
  EXPECT_FALSE(plain(database).same_bytes(plain(support::rotation::database(8, 5, 300'000))));
  EXPECT_EQ(plain(database).last_tid, compressed(support::rotation::gzipped(database)).last_tid);
}

TEST(Content, OfARealDatabaseIsGood) {
  EXPECT_TRUE(plain(support::read_fixture("fs/fs30-bootstrap/Data.fs")).good);
  EXPECT_TRUE(plain(support::read_fixture("fs/fs21-310-school/Data.fs")).good);
}

TEST(Content, IsNotGoodIfThereIsNothingInItOrItIsNotWhole) {
  const std::string database = support::rotation::database(1);
  const struct {
    const char* about;
    std::string content;
    bool whole;
  } cases[] = {{"empty", "", false},
               {"only the magic", "FS30", true},
               {"only a root", support::rotation::blank_database(), true},
               {"zeros", std::string(10000, '\0'), false},
               {"cut", database.substr(0, database.size() - 1), false},
               {"zeros behind", database + std::string(100, '\0'), false},
               {"something else", "GIF89a and so on", false}};
  for (const auto& one : cases) {
    for (const Content& content : {plain(one.content), compressed(support::rotation::gzipped(one.content))}) {
      EXPECT_TRUE(content.readable) << one.about;
      EXPECT_EQ(content.whole, one.whole) << one.about;
      EXPECT_FALSE(content.good) << one.about;
    }
  }
}

TEST(Content, OfADamagedGzipFileIsNotReadable) {
  const std::string good = support::rotation::gzipped(support::rotation::database(1));
  std::string bit = good;
  bit[good.size() / 2] = static_cast<char>(bit[good.size() / 2] ^ 4);
  for (const std::string& bad : {std::string(), std::string("no gzip"), good.substr(0, good.size() - 1), bit,
                                 support::rotation::database(1)}) {
    const Content content = compressed(bad);
    EXPECT_FALSE(content.readable);
    EXPECT_NE(content.why, "");
    EXPECT_FALSE(content.good);
  }
}

TEST(Content, BeyondTheLimitIsNotRead) {
  const std::string database = support::rotation::database(1, 4, 100'000);
  EXPECT_TRUE(compressed(support::rotation::gzipped(database), database.size()).readable);
  EXPECT_FALSE(compressed(support::rotation::gzipped(database), database.size() - 1).readable);
}

}  // namespace
}  // namespace upgrade
