#include "cli/ini.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cli {
namespace {

// "section|key|value|line" of each key.
std::vector<std::string> parsed(const std::string& text) {
  std::vector<std::string> lines;
  for (const base::Setting& setting : parse_ini(text, "x.conf")) {
    EXPECT_EQ(setting.file, "x.conf");
    lines.push_back(setting.section + "|" + setting.key + "|" + setting.value + "|" +
                    std::to_string(setting.line));
  }
  return lines;
}

std::string refusal(const std::string& text) {
  try {
    parse_ini(text, "/etc/x.conf");
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::usage);
    return error.what();
  }
  return "";
}

using Lines = std::vector<std::string>;

TEST(ParseIni, TellsSectionKeyValueAndLine) {
  EXPECT_EQ(parsed("# a comment\n"
                   "keep = 7\n"
                   "\n"
                   "packages=schooltool, python-schooltool   # a trailing one\n"
                   "  [instance standard]\n"
                   "keep = 3\n"
                   "data = /srv/my school/Data.fs\n"
                   "[instance other]\n"
                   "keep = 3"),
            (Lines{"|keep|7|2", "|packages|schooltool, python-schooltool|4", "instance standard|keep|3|6",
                   "instance standard|data|/srv/my school/Data.fs|7", "instance other|keep|3|9"}));
}

TEST(ParseIni, AcceptsAnEmptyFileEmptyValuesAndCarriageReturns) {
  EXPECT_EQ(parsed(""), Lines{});
  EXPECT_EQ(parsed("\n\n# only this\n[instance a]\n"), Lines{});
  EXPECT_EQ(parsed("service =\r\nkeep = 1\r\n"), (Lines{"|service||1", "|keep|1|2"}));
}

TEST(ParseIni, KeepsDotsOfNamesAndKeysApart) {
  EXPECT_EQ(parsed("a.b = 1\n[instance my.school]\nc.d = 2\n"),
            (Lines{"|a.b|1|1", "instance my.school|c.d|2|3"}));
}

TEST(ParseIni, ContinuesASectionFurtherDown) {
  EXPECT_EQ(parsed("[a]\nx = 1\n[b]\nx = 2\n[ a ]\ny = 3\n"), (Lines{"a|x|1|2", "b|x|2|4", "a|y|3|6"}));
  EXPECT_EQ(refusal("[a]\nx = 1\n[b]\nx = 2\n[a]\nx = 3\n"),
            "/etc/x.conf line 6: key 'x' is given twice in this section");
}

TEST(ParseIni, DoesNotMistakeAKeyForItsProbe) {
  EXPECT_EQ(parsed("probe = 1\n[probe]\nprobe = 2\n"), (Lines{"|probe|1|1", "probe|probe|2|3"}));
}

TEST(ParseIni, RefusesOtherLinesWithFileAndLine) {
  EXPECT_EQ(refusal("keep = 1\n\n  just words\n"),
            "/etc/x.conf line 3: not a section, a comment or 'key = value': 'just words'");
  EXPECT_EQ(refusal("[instance a\nkeep = 1\n"),
            "/etc/x.conf line 1: not a section, a comment or 'key = value': '[instance a'");
  EXPECT_EQ(refusal("keep = 1\nkeep = 2\n"), "/etc/x.conf line 2: key 'keep' is given twice in this section");
  EXPECT_EQ(refusal("= 2\n"), "/etc/x.conf line 1: a value without a key");
  EXPECT_EQ(refusal("\n[]\nkeep = 2\n"), "/etc/x.conf line 2: a section without a name");
  EXPECT_EQ(refusal("[ ]\n"), "/etc/x.conf line 1: a section without a name");
}

TEST(ParseIni, SurvivesHostileBytes) {
  EXPECT_EQ(parsed(std::string("a\0b = c\0d\n", 10)), (Lines{std::string("|a\0b|c\0d|1", 10)}));
  EXPECT_EQ(refusal("\x1b[2J\n"),
            "/etc/x.conf line 1: not a section, a comment or 'key = value': '\\x1b[2J'");
}

}  // namespace
}  // namespace cli
