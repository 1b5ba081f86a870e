#include "upgrade/known_copies.h"

#include <gtest/gtest.h>

#include "io/hooked_env.h"
#include "io/mem_env.h"

namespace upgrade {
namespace {

class KnownCopiesTest : public testing::Test {
 protected:
  KnownCopiesTest() { mem_.put_dir("/state", {}, 0700); }
  std::unique_ptr<io::Dir> state() { return mem_.open_dir("/state", io::Links::refuse); }

  static io::FileStatus copy(std::uint64_t inode) {
    io::FileStatus status;
    status.inode = inode;
    status.size = 100;
    status.modified = {1795443548, 123456789};
    return status;
  }
  io::MemEnv mem_;
};

TEST_F(KnownCopiesTest, AreTheSameInTheNextRun) {
  KnownCopies known = KnownCopies::load(*state());
  EXPECT_EQ(known.find(copy(1)), std::nullopt);
  known.remember(copy(1), true);
  known.remember(copy(2), false);
  known.remember(copy(3), true);
  known.save(*state(), {copy(1), copy(2), copy(9)}, mem_);
  EXPECT_EQ(mem_.status("/state/verified.json")->mode, 0600U);

  const KnownCopies again = KnownCopies::load(*state());
  EXPECT_EQ(again.find(copy(1)), true);
  EXPECT_EQ(again.find(copy(2)), false);
  EXPECT_EQ(again.find(copy(3)), std::nullopt);  // was not present any more
  EXPECT_EQ(again.find(copy(9)), std::nullopt);
}

TEST_F(KnownCopiesTest, AreNotThoseOfAFileThatChanged) {
  KnownCopies known;
  known.remember(copy(1), true);
  io::FileStatus larger = copy(1), later = copy(1), a_little_later = copy(1), moved = copy(1);
  ++larger.size;
  ++later.modified.seconds;
  ++a_little_later.modified.nanoseconds;
  moved.links = 2;
  EXPECT_EQ(known.find(larger), std::nullopt);
  EXPECT_EQ(known.find(later), std::nullopt);
  EXPECT_EQ(known.find(a_little_later), std::nullopt);
  EXPECT_EQ(known.find(moved), true);
}

TEST_F(KnownCopiesTest, AreNoneIfTheFileIsNotUsable) {
  const std::string entry =
      R"({"copies": [{"inode": 1, "size": 100, "seconds": 1795443548, "nanoseconds": 123456789, )";
  mem_.put_file("/state/verified.json", entry + R"("good": true}]})");
  ASSERT_EQ(KnownCopies::load(*state()).find(copy(1)), true);
  for (const std::string& bad :
       {std::string(), std::string("{"), std::string("[]"), std::string(R"({"copies": 3})"),
        entry + R"("good": 1}]})", entry + R"("good": true}, {}]})", std::string(2'000'000, ' ')}) {
    mem_.put_file("/state/verified.json", bad);
    EXPECT_EQ(KnownCopies::load(*state()).find(copy(1)), std::nullopt) << bad.substr(0, 100);
  }
  mem_.put_symlink("/state/verified.json", "/etc/passwd");
  EXPECT_EQ(KnownCopies::load(*state()).find(copy(1)), std::nullopt);
}

TEST_F(KnownCopiesTest, AreWrittenOnlyWhenThereIsSomethingNew) {
  KnownCopies known;
  known.save(*state(), {copy(1)}, mem_);
  EXPECT_FALSE(mem_.status("/state/verified.json"));
  known.remember(copy(1), true);
  known.save(*state(), {copy(1)}, mem_);
  const std::uint64_t inode = mem_.status("/state/verified.json")->inode;
  known = KnownCopies::load(*state());
  known.save(*state(), {copy(1)}, mem_);
  EXPECT_EQ(mem_.status("/state/verified.json")->inode, inode);
}

TEST_F(KnownCopiesTest, AreNotMissedWhereTheyCannotBeWritten) {
  const auto read_only = io::make_read_only_env(mem_);
  KnownCopies known;
  known.remember(copy(1), true);
  known.save(*read_only->open_dir("/state", io::Links::refuse), {copy(1)}, *read_only);
  EXPECT_FALSE(mem_.status("/state/verified.json"));
}

}  // namespace
}  // namespace upgrade
