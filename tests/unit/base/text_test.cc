#include "base/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace {

using base::human_duration;
using base::human_size;
using base::split;
using base::trimmed;
using namespace std::string_literals;

TEST(Quoted, LeavesOrdinaryNamesReadable) {
  EXPECT_EQ(base::quoted("Data.fs"), "'Data.fs'");
  EXPECT_EQ(base::quoted(""), "''");
  EXPECT_EQ(base::quoted("a b\"c"), "'a b\"c'");
  EXPECT_EQ(base::quoted("Schüler – школа 学校 😀"), "'Schüler – школа 学校 😀'");
}

TEST(Quoted, EscapesWhatCouldForgeOutput) {
  EXPECT_EQ(base::quoted("a\nb"), R"('a\nb')");
  EXPECT_EQ(base::quoted("it's"), R"('it\'s')");
  EXPECT_EQ(base::quoted("a\\b"), R"('a\\b')");
  EXPECT_EQ(base::quoted("\x1b[2J\r\t\x7f"), R"('\x1b[2J\x0d\x09\x7f')");
  EXPECT_EQ(base::quoted("a\0b"s), R"('a\x00b')");
  EXPECT_EQ(base::quoted("\xc2\x9b"
                         "31m"),
            R"('\xc2\x9b31m')")
      << "a C1 control, valid UTF-8";
  EXPECT_EQ(base::quoted("\xe2\x80\xae"
                         "cod"),
            R"('\xe2\x80\xaecod')")
      << "right-to-left override";
  EXPECT_EQ(base::quoted("\xe2\x80\xa8"), R"('\xe2\x80\xa8')") << "line separator";
}

TEST(Quoted, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(base::quoted("caf\xe9"), R"('caf\xe9')");
  EXPECT_EQ(base::quoted("\xc3"), R"('\xc3')") << "cut short";
  EXPECT_EQ(base::quoted("\xc3\n"), R"('\xc3\n')") << "the byte behind a broken character is still looked at";
  EXPECT_EQ(base::quoted("\xc0\x8a"), R"('\xc0\x8a')") << "overlong newline";
  EXPECT_EQ(base::quoted("\xe0\x80\x8a"), R"('\xe0\x80\x8a')") << "overlong newline in three bytes";
  EXPECT_EQ(base::quoted("\xf0\x80\x80\x8a"), R"('\xf0\x80\x80\x8a')");
  EXPECT_EQ(base::quoted("\xed\xa0\x80"), R"('\xed\xa0\x80')") << "surrogate";
  EXPECT_EQ(base::quoted("\xf4\x90\x80\x80"), R"('\xf4\x90\x80\x80')") << "above U+10FFFF";
  EXPECT_EQ(base::quoted("\xff\xfe"), R"('\xff\xfe')");
}

TEST(HumanSize, UsesDecimalUnitsAndOneDigit) {
  const struct {
    std::uint64_t bytes;
    const char* text;
  } cases[] = {
      {0, "0 bytes"},
      {1, "1 byte"},
      {2, "2 bytes"},
      {999, "999 bytes"},
      {1000, "1.0 kB"},
      {1049, "1.0 kB"},
      {1050, "1.1 kB"},
      {999'949, "999.9 kB"},
      {999'950, "1.0 MB"},
      {12'345'678, "12.3 MB"},
      {498'100'000, "498.1 MB"},
      {522'284'051, "522.3 MB"},
      {70'000'000'000, "70.0 GB"},
      {5'000'000'000'000, "5.0 TB"},
      {std::numeric_limits<std::uint64_t>::max(), "18.4 EB"},
  };
  for (const auto& c : cases) EXPECT_EQ(human_size(c.bytes), c.text) << c.bytes;
}

TEST(HumanDuration, PicksTheLargestUnit) {
  const struct {
    std::int64_t seconds;
    const char* text;
  } cases[] = {
      {0, "0 s"},          {35, "35 s"},
      {59, "59 s"},        {60, "1 min"},
      {3599, "59 min"},    {3600, "1 h"},
      {86400, "24 h"},     {172'799, "47 h"},
      {172'800, "2 days"}, {440'000, "5 days"},
      {-90, "-1 min"},     {std::numeric_limits<std::int64_t>::min(), "-106751991167300 days"},
  };
  for (const auto& c : cases) EXPECT_EQ(human_duration(c.seconds), c.text) << c.seconds;
}

TEST(Split, KeepsEmptyPieces) {
  EXPECT_EQ(split("a,b", ','), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(split(",a,,", ','), (std::vector<std::string>{"", "a", "", ""}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
}

TEST(Trimmed, RemovesWhiteSpaceAtTheEndsOnly) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \n\t"), "");
  EXPECT_EQ(trimmed(""), "");
}

}  // namespace
