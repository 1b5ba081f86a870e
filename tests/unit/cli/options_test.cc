#include <gtest/gtest.h>

#include "base/error.h"
#include "cli/tool_main.h"

namespace cli {
namespace {

using Words = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

ToolSpec spec() {
  ToolSpec spec;
  spec.name = "tool";
  spec.options = {{.name = "all", .letter = 'a', .argument = "", .help = "", .setting = false},
                  {.name = "verbose", .letter = 'v', .argument = "", .help = "", .repeatable = true},
                  {.name = "keep", .letter = 'k', .argument = "COUNT", .help = "", .setting = true},
                  {.name = "keep-min", .argument = "COUNT", .help = "", .setting = true},
                  {.name = "enabled", .argument = "", .help = "", .setting = true},
                  {.name = "instance", .argument = "NAME", .help = "", .repeatable = true}};
  spec.positional = "WORD";
  return spec;
}

// Reason and hint of the refusal; "" if there is none.
std::string refusal(const Words& words, const ToolSpec& tool = spec()) {
  try {
    parse_options(tool, words);
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::usage);
    EXPECT_EQ(error.hint(), "try 'tool --help'");
    return error.what();
  }
  return "";
}

TEST(ParseOptions, TakesValuesInEveryForm) {
  for (const Words& words : {Words{"--keep=5"}, {"--keep", "5"}, {"-k5"}, {"-k", "5"}, {"-ak5"}})
    EXPECT_EQ(parse_options(spec(), words).value("keep"), "5") << words.front();
  EXPECT_EQ(parse_options(spec(), {"--keep=a=b"}).value("keep"), "a=b");
  EXPECT_EQ(parse_options(spec(), {"--keep", "-5"}).value("keep"), "-5");
  EXPECT_EQ(parse_options(spec(), {"--keep", ""}).value("keep"), "");
}

TEST(ParseOptions, ToldApartFromAbsent) {
  const Options options = parse_options(spec(), {"-a"});
  EXPECT_TRUE(options.has("all"));
  EXPECT_FALSE(options.has("keep"));
  EXPECT_EQ(options.value("keep"), std::nullopt);
  EXPECT_EQ(options.values("instance"), Words{});
}

TEST(ParseOptions, JoinsShortSwitches) {
  const Options options = parse_options(spec(), {"-av"});
  EXPECT_TRUE(options.has("all"));
  EXPECT_TRUE(options.has("verbose"));
}

TEST(ParseOptions, KeepsRepeatedOptionsInOrder) {
  const Options options = parse_options(spec(), {"--instance=b", "-v", "--instance", "a", "-v"});
  EXPECT_EQ(options.values("instance"), (Words{"b", "a"}));
  EXPECT_EQ(options.values("verbose").size(), 2u);
}

TEST(ParseOptions, MixesWordsAndOptionsUntilTheDoubleDash) {
  const Options options = parse_options(spec(), {"a", "--all", "-", "--", "--keep", "-x", "--"});
  EXPECT_TRUE(options.has("all"));
  EXPECT_FALSE(options.has("keep"));
  EXPECT_EQ(options.positional(), (Words{"a", "-", "--keep", "-x", "--"}));
}

TEST(ParseOptions, ListsOnlySettingsAsGiven) {
  const Options options =
      parse_options(spec(), {"--keep-min=2", "--all", "--enabled", "-k9", "--instance=x"});
  EXPECT_EQ(options.given(), (Pairs{{"keep-min", "2"}, {"enabled", "yes"}, {"keep", "9"}}));
}

TEST(ParseOptions, KnowsHelpAndVersion) {
  EXPECT_TRUE(parse_options(spec(), {"--help"}).has("help"));
  EXPECT_TRUE(parse_options(spec(), {"--version"}).has("version"));
}

TEST(ParseOptions, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(refusal({"--foo"}), "unknown option '--foo'");
  EXPECT_EQ(refusal({"--foo=bar"}), "unknown option '--foo'");
  EXPECT_EQ(refusal({"-x"}), "unknown option '-x'");
  EXPECT_EQ(refusal({"-ax"}), "unknown option '-ax'");
  EXPECT_EQ(refusal({"-help"}), "unknown option '-help'");
  EXPECT_EQ(refusal({"--All"}), "unknown option '--All'");
  EXPECT_EQ(refusal({"--=x"}), "unknown option '--=x'");
  EXPECT_EQ(refusal({"---all"}), "unknown option '---all'");
  EXPECT_EQ(refusal({"--fo\no"}), "unknown option '--fo\\no'");
}

TEST(ParseOptions, RefusesAbbreviations) {
  EXPECT_EQ(refusal({"--ver"}), "unknown option '--ver'");
  EXPECT_EQ(refusal({"--keep-m", "3"}), "unknown option '--keep-m'");
  EXPECT_EQ(refusal({"--kee=3"}), "unknown option '--kee'");
}

TEST(ParseOptions, RefusesMissingAndSurplusArguments) {
  EXPECT_EQ(refusal({"--keep"}), "option '--keep' needs an argument");
  EXPECT_EQ(refusal({"--keep="}), "option '--keep' needs an argument");
  EXPECT_EQ(refusal({"-k"}), "option '--keep' needs an argument");
  EXPECT_EQ(refusal({"--all=yes"}), "option '--all' takes no argument");
  EXPECT_NE(refusal({"--="}), "");
}

TEST(ParseOptions, RefusesASecondTimeUnlessRepeatable) {
  EXPECT_EQ(refusal({"--keep=1", "-k2"}), "option '--keep' is given twice");
  EXPECT_EQ(refusal({"-aa"}), "option '--all' is given twice");
  EXPECT_EQ(refusal({"-vv"}), "");
  EXPECT_EQ(refusal({"--help", "--help"}), "");
}

TEST(ParseOptions, RefusesWordsWhereThereAreNone) {
  ToolSpec without = spec();
  without.positional.clear();
  EXPECT_EQ(refusal({"--all", "standard"}, without), "unexpected word 'standard'");
  EXPECT_EQ(refusal({""}, without), "unexpected word ''");
  EXPECT_EQ(refusal({"--"}, without), "");
}

}  // namespace
}  // namespace cli
