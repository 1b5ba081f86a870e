#include "repozo/add_increment.h"

#include <gtest/gtest.h>

#include "io/mem_env.h"
#include "repozo/sums_file.h"

namespace {

using namespace repozo;

const std::string kChain = "2013-02-01-00-00-00", kFull = kChain + ".fs",
                  kFirst = "2013-02-02-00-00-00.deltafs", kSecond = "2013-02-03-00-00-00.deltafs",
                  kThird = "2013-02-04-00-00-00.deltafs";
const std::string kMd5(32, 'a');

std::string line(const std::string& name, int start, int end) {
  return "repo/" + name + " " + std::to_string(start) + " " + std::to_string(end) + " " + kMd5 + "\n";
}

// What a crash leaves at each step of add_increment(), and what the next run makes of it.
class FinishInterrupted : public testing::Test {
 protected:
  FinishInterrupted() {
    mem_.put_file("/repo/" + kFull, std::string(100, 'x'));
    mem_.put_file("/repo/" + kFirst, std::string(20, 'x'));
  }
  void put(const std::string& name, const std::string& content) { mem_.put_file("/repo/" + name, content); }
  // The second increment, as far as we made it: data and .sums.
  void put_second() {
    put(kSecond, std::string(30, 'x'));
    const Sums sums = {*parse_name(kSecond), 120, 150, kMd5, 30, 0, {}, {Sum{}}};
    put("2013-02-03-00-00-00.sums", encode_sums(sums));
  }
  std::string dat_after() {
    Repository repository(mem_, mem_.open_dir("/repo", io::Links::refuse), "repo");
    finish_interrupted(repository);
    EXPECT_FALSE(mem_.status("/repo/" + kChain + ".dat-before"));
    return mem_.content("/repo/" + kChain + ".dat").value_or("none");
  }

  io::MemEnv mem_;
  const std::string before_ = line(kFull, 0, 100) + line(kFirst, 100, 120);
  const std::string after_ = before_ + line(kSecond, 120, 150);
};

TEST_F(FinishInterrupted, NothingIsDoneWhereNothingWasBegun) {
  put(kChain + ".dat", before_);
  EXPECT_EQ(dat_after(), before_);
}

TEST_F(FinishInterrupted, BeforeTheDataCameTheDatGoesBack) {
  put(kChain + ".dat-before", before_);
  EXPECT_EQ(dat_after(), before_);
}

TEST_F(FinishInterrupted, WithTheDataInPlaceTheirLineIsAdded) {
  put(kChain + ".dat-before", before_);
  put_second();
  EXPECT_EQ(dat_after(), after_);
}

TEST_F(FinishInterrupted, WithTheNewDatInPlaceTheOldOneGoes) {
  put(kChain + ".dat-before", before_);
  put_second();
  put(kChain + ".dat", after_);
  EXPECT_EQ(dat_after(), after_);
}

// The original came between: it found no .dat, and made one of a single line.
TEST_F(FinishInterrupted, LinesThatTheOriginalWroteMeanwhileStay) {
  put(kChain + ".dat-before", before_);
  put_second();
  put(kThird, std::string(5, 'x'));
  put(kChain + ".dat", line(kThird, 150, 155));
  EXPECT_EQ(dat_after(), after_ + line(kThird, 150, 155));
}

// Data whose size is not what was meant are not vouched for.
TEST_F(FinishInterrupted, DataThatAreNotCompleteGetNoLine) {
  put(kChain + ".dat-before", before_);
  put_second();
  put(kSecond, std::string(29, 'x'));
  EXPECT_EQ(dat_after(), before_);
}

// The original's "-B -F -k" came between: it removes the chain, and does not know the .dat-before.
TEST_F(FinishInterrupted, NoDatComesBackWhoseFullBackupIsGone) {
  put(kChain + ".dat-before", before_);
  mem_.remove_all("/repo/" + kFull);
  mem_.remove_all("/repo/" + kFirst);
  EXPECT_EQ(dat_after(), "none");
}

TEST_F(FinishInterrupted, OwnerAndModeOfTheDatAreKept) {
  mem_.put_file("/repo/" + kChain + ".dat-before", before_, {7, 8}, 0640);
  dat_after();
  EXPECT_EQ(mem_.status("/repo/" + kChain + ".dat")->mode, 0640u);
  EXPECT_EQ(mem_.status("/repo/" + kChain + ".dat")->owner, (io::Owner{7, 8}));
}

}  // namespace
