#include "upgrade/retention.h"

#include <gtest/gtest.h>

namespace upgrade {
namespace {

// "0g 1g 2b 3gz" -> generations: number, g good or b not good, z compressed. Each holds 100 bytes on disk.
std::vector<StoredGeneration> stored(const std::string& words) {
  std::vector<StoredGeneration> result;
  std::size_t at = 0;
  while (at < words.size()) {
    std::size_t end = words.find(' ', at);
    if (end == std::string::npos) end = words.size();
    const std::string word = words.substr(at, end - at);
    std::size_t digits = 0;
    StoredGeneration one;
    one.generation.number = static_cast<unsigned>(std::stoul(word, &digits));
    one.generation.compressed = word.find('z') != std::string::npos;
    one.good = word.at(digits) == 'g';
    one.allocated = 100;
    result.push_back(one);
    at = end + 1;
  }
  return result;
}

std::string text(const std::vector<Generation>& generations) {
  std::string result;
  for (const Generation& one : generations) {
    if (!result.empty()) result += ' ';
    result += std::to_string(one.number) + (one.compressed ? "z" : "");
  }
  return result;
}

struct Case {
  const char* about;
  const char* stored;
  unsigned keep, keep_min;
  std::uint64_t free_now, min_free;
  const char* removed;
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.about;
}

class Retention : public testing::TestWithParam<Case> {};

TEST_P(Retention, RemovesWhatTheRulesSay) {
  const Case& one = GetParam();
  const RetentionRules rules{one.keep, one.keep_min, one.min_free};
  EXPECT_EQ(text(plan_retention(stored(one.stored), one.free_now, rules)), one.removed) << one.about;
}

INSTANTIATE_TEST_SUITE_P(
    ByCount, Retention,
    testing::Values(Case{"nothing there", "", 7, 2, 0, 0, ""},
                    Case{"fewer than keep", "0g 1gz 2gz", 7, 2, 0, 0, ""},
                    Case{"exactly keep", "0g 1gz 2gz", 3, 2, 0, 0, ""},
                    Case{"the oldest beyond keep", "0g 1gz 2gz 3gz 4gz", 3, 2, 0, 0, "4z 3z"},
                    Case{"in any order", "3gz 0g 4gz 1gz 2gz", 3, 2, 0, 0, "4z 3z"},
                    Case{"a number with two forms counts once", "0g 1g 1gz 2gz", 3, 2, 0, 0, ""},
                    Case{"a number with two forms goes as a whole", "0g 1gz 2g 2gz", 2, 2, 0, 0, "2 2z"},
                    Case{"gaps do not count", "0g 5gz 40gz", 3, 2, 0, 0, ""},
                    Case{"beyond a gap", "0g 5gz 40gz", 2, 2, 0, 0, "40z"},
                    Case{"savelog's seven and our keep of four", "0g 1gz 2gz 3gz 4gz 5gz 6gz", 4, 2, 0, 0,
                         "6z 5z 4z"},
                    Case{".0 never goes", "0b 1gz 2gz", 1, 1, 0, 0, "2z"},
                    Case{"keep 0 is keep_min", "0g 1gz 2gz", 0, 0, 0, 0, "2z 1z"}));

INSTANTIATE_TEST_SUITE_P(
    ByQuality, Retention,
    testing::Values(Case{"keep_min wins over keep", "0g 1gz 2gz 3gz", 1, 3, 0, 0, "3z"},
                    Case{"a needed good one stays, a newer bad one goes", "0b 1bz 2bz 3gz 4gz", 2, 2, 0, 0,
                         "2z 1z"},
                    Case{"a good one that is not needed goes first", "0g 1gz 2b 3gz", 3, 2, 0, 0, "3z"},
                    Case{"then the bad one instead of the needed one", "0g 1b 2gz 3gz", 2, 2, 0, 0, "3z 1"},
                    Case{"the only good copy stays", "0b 1b 2b 3gz", 1, 0, 0, 0, "2 1"},
                    Case{"the only good copy is .0", "0g 1b 2b", 1, 1, 0, 0, "2 1"},
                    Case{"one good form makes the number good", "0b 1b 2b 2gz", 2, 1, 0, 0, "1"},
                    Case{"without any good one keep_min stay all the same", "0b 1b 2b 3b", 1, 2, 0, 0, "3 2"},
                    Case{"keep_min above what is good", "0g 1b 2b 3b 4b", 2, 3, 0, 0, "4 3"}));

INSTANTIATE_TEST_SUITE_P(
    ByFreeSpace, Retention,
    testing::Values(Case{"enough free", "0g 1gz 2gz 3gz", 7, 2, 500, 500, ""},
                    Case{"one is enough", "0g 1gz 2gz 3gz", 7, 2, 450, 500, "3z"},
                    Case{"exactly enough after two", "0g 1gz 2gz 3gz", 7, 2, 300, 500, "3z 2z"},
                    Case{"never below keep_min", "0g 1gz 2gz 3gz", 7, 2, 0, 5000, "3z 2z"},
                    Case{"what count removes is counted as freed", "0g 1gz 2gz 3gz", 3, 2, 400, 500, "3z"},
                    Case{"two forms free both", "0g 1gz 2gz 3g 3gz", 7, 2, 300, 500, "3 3z"},
                    Case{"bad ones give way first when the good are needed", "0g 1b 2gz", 7, 2, 0, 5000,
                         "1"}));

// Whatever is stored, the promises hold: .0 stays, enough good ones stay, and nothing is invented.
TEST(RetentionPromises, HoldForEveryMixOfSixGenerations) {
  for (unsigned mix = 0; mix < 64; ++mix) {
    for (unsigned keep = 0; keep < 7; ++keep) {
      for (unsigned keep_min = 0; keep_min < 7; ++keep_min) {
        for (const std::uint64_t min_free : {0U, 250U, 10000U}) {
          std::vector<StoredGeneration> all;
          std::size_t good = 0;
          for (unsigned number = 0; number < 6; ++number) {
            all.push_back({{number, number > 0}, 100, (mix >> number & 1U) != 0});
            good += all.back().good ? 1U : 0U;
          }
          std::size_t good_left = good, left = all.size();
          for (const Generation& gone : plan_retention(all, 0, {keep, keep_min, min_free})) {
            ASSERT_NE(gone.number, 0U);
            ASSERT_LT(gone.number, 6U);
            --left;
            if (all[gone.number].good) --good_left;
          }
          ASSERT_GE(good_left, std::min<std::size_t>(good, std::max(keep_min, 1U)));
          ASSERT_GE(left, std::min<std::size_t>(6, std::max(keep_min, 1U)));
          ASSERT_GE(left, min_free == 0 ? std::min<std::size_t>(6, keep) : 0);
        }
      }
    }
  }
}

}  // namespace
}  // namespace upgrade
