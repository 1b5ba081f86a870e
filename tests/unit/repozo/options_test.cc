#include "repozo/options.h"

#include <gtest/gtest.h>

namespace {

using repozo::Mode;
using repozo::Options;
using repozo::parse_options;
using Words = std::vector<std::string>;

std::string error_of(const Words& words) {
  return parse_options(words).error;
}

Options good(const Words& words) {
  const auto parsed = parse_options(words);
  EXPECT_EQ(parsed.error, "");
  return parsed.options;
}

TEST(Options, MayBeJoinedAndAbbreviatedAsWithGetopt) {
  const Options joined = good({"-vBFQzk", "-rrepo", "-f", "Data.fs"});
  EXPECT_EQ(joined.mode, Mode::backup);
  EXPECT_TRUE(joined.verbose && joined.full && joined.quick && joined.gzip && joined.kill_old);
  EXPECT_EQ(joined.repository, "repo");
  EXPECT_EQ(joined.file, "Data.fs");
  const Options longs = good({"--rec", "--repos", "repo", "--o=out.fs", "--da", "2013", "--w"});
  EXPECT_EQ(longs.mode, Mode::recover);
  EXPECT_EQ(longs.output, "out.fs");
  EXPECT_EQ(longs.date, "2013");
  EXPECT_TRUE(longs.with_verify);
}

// -rB takes "B" as the folder; a later one wins; an argument may look like an option.
TEST(Options, ArgumentsAreTakenAsTheyCome) {
  EXPECT_EQ(good({"-V", "-rB"}).repository, "B");
  EXPECT_EQ(good({"-V", "-r", "a", "-r", "b"}).repository, "b");
  EXPECT_EQ(good({"-V", "-r", "-x"}).repository, "-x");
  EXPECT_EQ(good({"-V", "--repository="}).repository, "");
}

TEST(Options, ErrorsAreThoseOfPython) {
  const std::vector<std::pair<Words, std::string>> all = {
      {{"-X"}, "option -X not recognized"},
      {{"-vX"}, "option -X not recognized"},
      {{"--nonsense"}, "option --nonsense not recognized"},
      {{"--nonsense=1"}, "option --nonsense not recognized"},
      {{"--ver"}, "option --ver not a unique prefix"},
      {{"--=x"}, "option -- not a unique prefix"},
      {{"-r"}, "option -r requires argument"},
      {{"--repository"}, "option --repository requires argument"},
      {{"--fil"}, "option --file requires argument"},
      {{"--full=yes"}, "option --full must not have an argument"},
      {{"-BR"}, "-B, -R, and -V are mutually exclusive"},
      {{"-B", "-B"}, "-B, -R, and -V are mutually exclusive"},
      {{"-B", "-r", "repo", "-f", "x", "extra", "words"}, "Invalid arguments: extra, words"},
      {{"-B", "extra", "-R"}, "Invalid arguments: extra, -R"},
      {{"-B", "--", "-R"}, "Invalid arguments: -R"},
      {{"-B", "-"}, "Invalid arguments: -"},
      {{"-B", "", "x"}, "Invalid arguments: , x"},
      {{}, "Either --backup, --recover or --verify is required"},
      {{"-r", "repo"}, "Either --backup, --recover or --verify is required"},
      {{"-B", "-f", "x"}, "--repository is required"},
      {{"-B", "-r", "repo"}, "--file is required in backup mode"},
      {{"-B", "-r", "repo", "-f", ""}, "--file is required in backup mode"}};
  for (const auto& [words, error] : all) EXPECT_EQ(error_of(words), error);
}

TEST(Options, HelpIsMetBeforeWhatFollows) {
  EXPECT_TRUE(parse_options({"-B", "-h", "-R"}).options.help);
  EXPECT_EQ(parse_options({"-B", "-h", "-R"}).error, "");
  EXPECT_EQ(error_of({"-B", "-R", "-h"}), "-B, -R, and -V are mutually exclusive");
  EXPECT_EQ(error_of({"-h", "--nonsense"}), "option --nonsense not recognized");
}

TEST(Options, OfAnotherModeAreToldInTheOrderOfTheOriginal) {
  const auto ignored =
      good({"-V", "-w", "-k", "-f", "x", "-z", "-F", "-o", "x", "-D", "x", "-r", "repo"}).ignored;
  EXPECT_EQ(
      ignored,
      (Words{"--date option is ignored in verify mode", "--output option is ignored in verify mode",
             "--full option is ignored in verify mode", "--gzip option is ignored in verify mode",
             "--file option is ignored in verify mode", "--kill-old-on-full option is ignored in verify mode",
             "--with-verify option is ignored in verify mode"}));
  // Told before the missing file is.
  EXPECT_EQ(parse_options({"-B", "-r", "repo", "-D", "x"}).options.ignored,
            (Words{"--date option is ignored in backup mode"}));
}

// What the original understands means the same here: our own options cannot be abbreviated.
TEST(Options, OfOurOwnNeedTheirWholeName) {
  const Options own = good({"-V", "-r", "repo", "--all", "--json", "--progress"});
  EXPECT_TRUE(own.all && own.json && own.progress);
  EXPECT_EQ(good({"-B", "-r", "repo", "-f", "x", "--keep", "3"}).keep, 3u);
  EXPECT_EQ(error_of({"--al"}), "option --al not recognized");
  EXPECT_EQ(error_of({"--js"}), "option --js not recognized");
  EXPECT_TRUE(good({"-B", "-r", "x", "-f", "x", "--k"}).kill_old) << "not --keep";
  for (const std::string number : {"0", "-1", "x", "", "99999999999"}) {
    EXPECT_EQ(error_of({"-B", "--keep", number}), "--keep needs a number of chains, 1 or more") << number;
  }
}

}  // namespace
