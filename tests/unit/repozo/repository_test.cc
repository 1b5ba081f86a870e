#include "repozo/repository.h"

#include <gtest/gtest.h>

#include "io/atomic_file.h"
#include "io/mem_env.h"
#include "support/errors.h"

namespace {

using repozo::Repository;

const std::string kStamp = "2013-02-07-03-15-00";

class RepositoryTest : public testing::Test {
 protected:
  RepositoryTest() { mem_.put_dir("/repo"); }
  Repository open(const std::string& shown) {
    return {mem_, mem_.open_dir("/repo", io::Links::refuse), shown};
  }
  // What the sweep leaves, but for the lock.
  std::vector<std::string> swept() {
    Repository repository = open("repo");
    repository.lock_and_sweep("test");
    auto names = mem_.list("/repo");
    std::erase(names, repozo::kLockName);
    return names;
  }
  io::MemEnv mem_;
};

TEST_F(RepositoryTest, ShowsNamesAsItWasGiven) {
  EXPECT_EQ(open("repo").shown("a"), "repo/a");
  EXPECT_EQ(open("repo/").shown("a"), "repo/a");
  EXPECT_EQ(open("./repo").in_dat("a"), "./repo/a");
  EXPECT_EQ(open("").shown("a"), "/repo/a");
}

// The original splits the line at white space, and would not read its own.
TEST_F(RepositoryTest, LeavesAwayInTheDatWhatItCannotHold) {
  for (const std::string folder : {"my repo", "a\tb", "a\nb", "caf\xc3\xa9", "\xc2\xa0"}) {
    EXPECT_EQ(open(folder).in_dat("a"), "a") << folder;
    EXPECT_EQ(open(folder).shown("a"), folder + "/a");
  }
}

TEST_F(RepositoryTest, IsLockedAgainstAnother) {
  Repository one = open("repo"), other = open("repo");
  const io::FileLock lock = one.lock_and_sweep("one");
  EXPECT_TRUE(support::fails_with(
      base::ErrorKind::busy, [&] { other.lock_and_sweep("other"); }, "one"));
}

TEST_F(RepositoryTest, SweepsWhatInterruptedBackupsLeft) {
  for (const std::string ending : {".dat", ".index", ".sums-new"})
    mem_.put_file("/repo/" + kStamp + ending, "x");
  mem_.put_file("/repo/" + io::temporary_name(kStamp + ".fs", mem_), "x");
  EXPECT_EQ(swept(), std::vector<std::string>{});
}

TEST_F(RepositoryTest, KeepsWhatBelongsToABackupOrIsNotOurs) {
  const std::vector<std::string> names = {
      "2001-01-01-00-00-00.dat", kStamp + ".dat", kStamp + ".fs", kStamp + ".index",
      kStamp + ".sums",          "README",        "tmp.tmp"};
  for (const std::string& name : names) mem_.put_file("/repo/" + name, "x");
  EXPECT_EQ(swept(), names);
}

// The data have their name; only the last step was not made.
TEST_F(RepositoryTest, FinishesABackupThatWasAllButDone) {
  mem_.put_file("/repo/" + kStamp + ".fs", "x");
  mem_.put_file("/repo/" + kStamp + ".sums-new", "sums");
  EXPECT_EQ(swept(), (std::vector<std::string>{kStamp + ".fs", kStamp + ".sums"}));
}

TEST_F(RepositoryTest, TakesBackAMarkForRemoval) {
  mem_.put_file("/repo/" + kStamp + ".fs", "x");
  mem_.put_file("/repo/" + kStamp + ".sums-new", "");
  EXPECT_EQ(swept(), std::vector<std::string>{kStamp + ".fs"});
}

// The original's -k knows no .sums.
TEST_F(RepositoryTest, SweepsSumsOfWhatTheOriginalRemoved) {
  mem_.put_file("/repo/" + kStamp + ".sums", "x");
  EXPECT_EQ(swept(), std::vector<std::string>{});
}

}  // namespace
