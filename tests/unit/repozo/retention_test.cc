// Which chains -k and --keep remove, and what stands meanwhile.
#include "repozo/retention.h"

#include <gtest/gtest.h>

#include "io/mem_env.h"
#include "repozo/chains.h"
#include "support/repozo_school.h"

namespace {

using namespace repozo;
using support::kStamps;
using support::Packing;

const std::string kRepo = std::string(support::kRepoDir) + "/";

// A repository of one-piece chains, each of three bytes, on days of February 2013.
class KeepChains : public testing::Test {
 protected:
  void chain(const std::string& day) {
    mem_.put_file(path(day, ".fs"), "xxx");
    mem_.put_file(path(day, ".dat"), "repo/" + stamp(day) + ".fs 0 3 " + std::string(32, 'a') + "\n");
  }
  static std::string stamp(const std::string& day) { return "2013-02-" + day + "-00-00-00"; }
  static std::string path(const std::string& day, const std::string& ending) {
    return "/repo/" + stamp(day) + ending;
  }
  // The days whose files went.
  std::string removed(unsigned keep) {
    Repository repository(mem_, mem_.open_dir("/repo", io::Links::refuse), "repo");
    std::string days;
    for (const std::string& name : remove_chains(repository, keep, {}))
      days += (days.empty() ? "" : " ") + name.substr(8, 2);
    return days;
  }

  io::MemEnv mem_;
};

TEST_F(KeepChains, LeavesTheNewestOnes) {
  for (const char* day : {"01", "02", "03", "04"}) chain(day);
  EXPECT_EQ(removed(5), "");
  EXPECT_EQ(removed(3), "01");
  EXPECT_EQ(removed(1), "02 03");
}

TEST_F(KeepChains, CountsNoneWhoseFullBackupIsGone) {
  for (const char* day : {"01", "02", "03", "04"}) chain(day);
  mem_.remove_all(path("02", ".fs"));
  EXPECT_EQ(removed(3), "");
  EXPECT_EQ(removed(2), "01");
  EXPECT_FALSE(mem_.status(path("02", ".dat")));
}

TEST_F(KeepChains, CountsNoneThatIsCutOrCannotBeVerified) {
  for (const char* day : {"01", "02", "03", "04"}) chain(day);
  mem_.put_file(path("02", ".fs"), "xx");
  mem_.remove_all(path("03", ".dat"));
  EXPECT_EQ(removed(2), "");
  EXPECT_EQ(removed(1), "01 02 03");
}

// Increments before the first full backup are of no use; a damaged chain may be, as long as there are not
// enough that are whole.
TEST_F(KeepChains, RemovesWhatNobodyCanRecover) {
  for (const char* day : {"02", "03"}) chain(day);
  mem_.put_file(path("02", ".fs"), "xx");
  mem_.put_file(path("01", ".deltafs"), "x");
  EXPECT_EQ(removed(3), "01");
}

TEST_F(KeepChains, RemovesByStampWhatIsOlder) {
  for (const char* day : {"01", "02", "03"}) chain(day);
  Repository repository(mem_, mem_.open_dir("/repo", io::Links::refuse), "repo");
  EXPECT_EQ(remove_chains_before(repository, stamp("03"), {}).size(), 2u);
  EXPECT_TRUE(mem_.status(path("03", ".fs")));
}

// Of compressed data too: the .sums tell how large the file was.
TEST(KeepChainsOfOurs, CountNoneThatIsCut) {
  io::MemEnv mem;
  support::put_school(mem, Packing::gzip);
  const std::string oldest = kRepo + kStamps[0] + ".fsz", second = kRepo + "2026-02-05-03-15-00.fsz";
  EXPECT_EQ(support::run_repozo(mem, {"-B", "-F", "-z", "-r", "repo", "-f", "Data.fs"}).status, 0);
  const std::string whole = mem.content(second).value_or("");
  ASSERT_FALSE(whole.empty());
  mem.put_file(second, whole.substr(0, whole.size() - 1));
  const std::vector<std::string> again = {"-B", "-F", "--keep", "2", "-r", "repo", "-f", "Data.fs"};
  EXPECT_EQ(support::run_repozo(mem, again).status, 0);
  EXPECT_TRUE(mem.status(oldest));
  EXPECT_EQ(support::run_repozo(mem, again).status, 0);
  EXPECT_FALSE(mem.status(oldest));
}

// The moment between the line and the data of an increment, as a crash leaves it.
class HalfRemoved : public testing::Test {
 protected:
  HalfRemoved() {
    support::put_school(mem_, Packing::plain);
    std::string dat = *mem_.content(kRepo + kStamps[0] + ".dat");
    dat.resize(dat.rfind('\n', dat.size() - 2) + 1);
    mem_.put_file(kRepo + kStamps[0] + ".dat", dat);
    const std::string sums = *mem_.content(kRepo + kStamps[3] + ".sums");
    mem_.remove_all(kRepo + kStamps[3] + ".sums");
    mem_.put_file(kRepo + kStamps[3] + ".sums-new", sums);
  }
  io::MemEnv mem_;
};

TEST_F(HalfRemoved, IncrementIsNoPartOfItsChain) {
  EXPECT_EQ(support::run_repozo(mem_, {"-V", "--all", "-r", "repo"}).status, 0);
  EXPECT_EQ(support::run_repozo(mem_, {"-R", "-r", "repo"}).out, support::school_states()[2]);
}

TEST_F(HalfRemoved, IncrementGoesWithTheNextBackupAndOneTakesItsPlace) {
  EXPECT_EQ(support::run_repozo(mem_, {"-B", "-r", "repo", "-f", "Data.fs"}).status, 0);
  EXPECT_FALSE(mem_.status(kRepo + kStamps[3] + ".deltafs"));
  EXPECT_FALSE(mem_.status(kRepo + kStamps[3] + ".sums-new"));
  EXPECT_EQ(support::run_repozo(mem_, {"-V", "--all", "-r", "repo"}).status, 0);
  EXPECT_EQ(support::run_repozo(mem_, {"-R", "-r", "repo"}).out, support::school_states()[3]);
}

// With a .dat-before it is one that was being added, and without the mark it is somebody else's.
TEST_F(HalfRemoved, NothingElseIsTakenForIt) {
  const std::string dat = *mem_.content(kRepo + kStamps[0] + ".dat");
  mem_.put_file(kRepo + kStamps[0] + ".dat-before", dat);
  EXPECT_EQ(support::run_repozo(mem_, {"-R", "-r", "repo"}).out, support::school_states()[3]);
  EXPECT_EQ(support::run_repozo(mem_, {"-B", "-r", "repo", "-f", "Data.fs"}).status, 0);
  EXPECT_TRUE(mem_.status(kRepo + kStamps[3] + ".deltafs"));
  mem_.put_file(kRepo + kStamps[0] + ".dat", dat);
  EXPECT_EQ(support::run_repozo(mem_, {"-R", "-r", "repo"}).out, support::school_states()[3]);
  EXPECT_EQ(support::run_repozo(mem_, {"-V", "-r", "repo"}).status, 1);
}

}  // namespace
