#include "repozo/dat_file.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace {

using base::ErrorKind;
using repozo::dat_line;
using repozo::DatLine;
using repozo::parse_dat;
using support::fails_with;

const std::string kSum = "d6ccf4285bdcc5b21fd2c39e82df7db6";
const std::string kFull = "repo/2013-02-07-03-15-00.fs 0 58073 " + kSum + "\n";
const std::string kDelta = "repo/2013-02-08-03-15-00.deltafsz 58073 60000 " + kSum + "\n";

TEST(DatFile, IsReadAndWrittenAsItWas) {
  const std::vector<DatLine> lines = parse_dat(kFull + kDelta, "x.dat");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1].path, "repo/2013-02-08-03-15-00.deltafsz");
  EXPECT_EQ(lines[1].name.file(), "2013-02-08-03-15-00.deltafsz");
  EXPECT_EQ(lines[1].start, 58073u);
  EXPECT_EQ(lines[1].end, 60000u);
  EXPECT_EQ(lines[1].md5, kSum);
  EXPECT_EQ(dat_line(lines[0]) + dat_line(lines[1]), kFull + kDelta);
}

TEST(DatFile, TakesAnyWhiteSpace) {
  const auto lines = parse_dat("\t2013-02-07-03-15-00.fs  0\t4 " + kSum + " \r\n", "x.dat");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].end, 4u);
}

TEST(DatFile, MayBeEmpty) {
  EXPECT_TRUE(parse_dat("", "x.dat").empty());
}

// Only the base name of a path counts, so nothing outside of the repository can be named.
TEST(DatFile, NamesFilesOfTheRepositoryOnly) {
  const auto lines = parse_dat("/etc/../2013-02-07-03-15-00.fs 0 4 " + kSum + "\n", "x.dat");
  EXPECT_EQ(lines.at(0).name.file(), "2013-02-07-03-15-00.fs");
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { parse_dat("repo/../../etc/passwd 0 4 " + kSum, "x.dat"); },
      "line 1 does not name a backup file"));
}

TEST(DatFile, SaysWhichLineIsWrong) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"\n", "four words"},
      {"junk\n", "four words"},
      {"my repo/2013-02-08-03-15-00.fs 0 4 " + kSum, "four words"},
      {"repo/2013-02-08-03-15-00.fs -1 4 " + kSum, "not a number"},
      {"repo/2013-02-08-03-15-00.fs 0 4x " + kSum, "not a number"},
      {"repo/2013-02-08-03-15-00.fs 0 99999999999999999999 " + kSum, "not a number"},
      {"repo/2013-02-08-03-15-00.fs 5 4 " + kSum, "ends before it starts"},
      {"repo/2013-02-08-03-15-00.fs 0 4 " + kSum.substr(1), "32 hex digits"},
      {"repo/2013-02-08-03-15-00.fs 0 4 " + std::string(32, 'X'), "32 hex digits"},
      {"repo/2013-02-08-03-15-00.fs 0 4 " + kSum, "no line feed"},
      {kFull, "not in order"},
      {"repo/2013-02-06-03-15-00.deltafs 0 4 " + kSum + "\n", "not in order"}};
  for (const auto& [line, reason] : wrong) {
    EXPECT_TRUE(fails_with(
        ErrorKind::corrupt, [&, text = kFull + line] { parse_dat(text, "x.dat"); }, "line 2"))
        << line;
    EXPECT_TRUE(fails_with(
        ErrorKind::corrupt, [&, text = kFull + line] { parse_dat(text, "x.dat"); }, reason))
        << line;
  }
}

TEST(DatFile, OfEndlessLinesIsRefusedInTime) {
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [] { parse_dat(std::string(1 << 20, 'a'), "x.dat"); }));
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [] { parse_dat(std::string(1 << 20, ' '), "x.dat"); }));
}

}  // namespace
