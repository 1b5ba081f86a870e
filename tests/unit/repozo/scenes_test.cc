// What the real repozo did, step by step, ours does: exit status, streams, every byte in the repository and
// of what is recovered. Each scene is played twice: on the repository that ours made, and on the one that the
// real program had made at that point. Where ours is deliberately different,
// tests/data/repozo/differences.json says so.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "support/fixture.h"
#include "support/repozo_differences.h"
#include "support/repozo_scene.h"

namespace {

using support::Repository;
using support::RepozoExpectation;
using support::RepozoScene;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

using Which = std::tuple<std::string, Repository>;

class RepozoScenes : public testing::TestWithParam<Which> {};

std::vector<std::string> scene_names() {
  std::vector<std::string> names;
  for (const std::string& folder : support::fixture_folders("repozo")) names.push_back(folder.substr(7));
  return names;
}

std::string name_of(const testing::TestParamInfo<Which>& info) {
  std::string name =
      std::get<0>(info.param) + (std::get<1>(info.param) == Repository::ours ? "" : "_recorded");
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

TEST_P(RepozoScenes, AreReplayed) {
  const auto& [name, repository] = GetParam();
  std::size_t commands = 0;
  for (RepozoScene scene(name, repository); !scene.at_end(); scene.next()) {
    if (!scene.at_command()) {
      scene.prepare();
      continue;
    }
    ++commands;
    SCOPED_TRACE(scene.title());
    RepozoExpectation expected = scene.recorded();
    support::apply_rules(scene.is_of_python2(), expected);
    const RepozoExpectation original = expected;
    const auto table = support::find_difference(name, scene.number(), repository);
    const support::RepozoStep step = scene.run();
    if (table) {
      EXPECT_FALSE(compare(expected, step).empty()) << "no difference any more: " << *table;
      support::apply_difference(*table, expected);
    }
    const auto wrong = compare(expected, step);
    EXPECT_TRUE(wrong.empty()) << joined(wrong) << "\n  the original: exit status " << original.exit << " "
                               << original.uncaught_error
                               << "\n  what ours did, as differences.json would have it:\n"
                               << support::describe_difference(name, scene.number(), original, step);
  }
  EXPECT_GT(commands, 4u);
}

INSTANTIATE_TEST_SUITE_P(All, RepozoScenes,
                         testing::Combine(testing::ValuesIn(scene_names()),
                                          testing::Values(Repository::ours, Repository::recorded)),
                         name_of);

TEST(RepozoSceneDifferences, NameStepsThatExistAndSayWhy) {
  for (const auto& difference : support::all_differences()) {
    SCOPED_TRACE(difference.dump());
    const std::size_t step = difference.at("step");
    RepozoScene scene(difference.at("scene"), Repository::recorded);
    while (!scene.at_end() && scene.number() < step) scene.next();
    EXPECT_TRUE(!scene.at_end() && scene.at_command());
    EXPECT_GT(difference.at("why").get<std::string>().size(), 10u);
  }
}

}  // namespace
