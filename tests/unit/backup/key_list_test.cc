#include "backup/key_list.h"

#include <gtest/gtest.h>

#include "io/mem_env.h"

namespace backup {
namespace {

using filestorage::BlobKey;
using Keys = std::vector<BlobKey>;

class KeyListTest : public testing::Test {
 protected:
  Keys all(KeyList& list) {
    Keys keys;
    list.for_each([&](const BlobKey& key) { keys.push_back(key); });
    return keys;
  }
  io::MemEnv mem_;
  std::unique_ptr<io::Dir> dir_ = mem_.open_dir("/", io::Links::refuse);
};

TEST_F(KeyListTest, GivesBackWhatWasAddedAsOftenAsAsked) {
  KeyList list(*dir_, mem_);
  Keys expected;
  for (base::Tid tid = 1; tid <= 10000; ++tid) {
    expected.push_back({tid, tid % 7});
    list.add(expected.back());
  }
  EXPECT_EQ(list.count(), expected.size());
  EXPECT_EQ(all(list), expected);
  EXPECT_EQ(all(list), expected);
}

TEST_F(KeyListTest, KeysOutOfOrderAreSortedAndGivenOnce) {
  KeyList list(*dir_, mem_);
  for (const BlobKey key : {BlobKey{5, 1}, BlobKey{3, 2}, BlobKey{5, 1}, BlobKey{3, 1}}) list.add(key);
  EXPECT_EQ(all(list), (Keys{{3, 1}, {3, 2}, {5, 1}}));
  EXPECT_EQ(list.count(), 3u);
}

TEST_F(KeyListTest, AKeyThatComesTwiceRunningIsGivenOnce) {
  KeyList list(*dir_, mem_);
  for (const BlobKey key : {BlobKey{3, 1}, BlobKey{3, 1}, BlobKey{3, 2}}) list.add(key);
  EXPECT_EQ(all(list), (Keys{{3, 1}, {3, 2}}));
}

TEST_F(KeyListTest, AnEmptyOneGivesNothing) {
  KeyList list(*dir_, mem_);
  EXPECT_TRUE(all(list).empty());
  EXPECT_FALSE(KeyList::Reader(list).next());
}

TEST_F(KeyListTest, NothingStaysOnDisk) {
  {
    KeyList list(*dir_, mem_);
    list.add({1, 1});
    EXPECT_EQ(all(list).size(), 1u);
  }
  EXPECT_TRUE(mem_.list("/").empty());
}

}  // namespace
}  // namespace backup
