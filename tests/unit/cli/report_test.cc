#include "cli/report.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

TEST(Table, PadsColumnsWithoutTrailingSpaces) {
  EXPECT_EQ(table({{"INSTANCE", "SIZE", "VERDICT"}, {"standard", "498.1 MB", "grown"}, {"b", "", ""}}),
            "INSTANCE  SIZE      VERDICT\n"
            "standard  498.1 MB  grown\n"
            "b\n");
}

TEST(Table, IsEmptyWithoutRows) {
  EXPECT_EQ(table({}), "");
}

TEST(Table, AllowsRowsOfDifferentLength) {
  EXPECT_EQ(table({{"a"}, {"b", "c"}, {}}), "a\nb  c\n\n");
}

TEST(Table, CountsCharactersNotBytes) {
  EXPECT_EQ(table({{"Škola", "x"}, {"abcdef", "y"}}), "Škola   x\nabcdef  y\n");
}

TEST(Table, MakesCellsSafeForATerminal) {
  EXPECT_EQ(table({{"a\nb", "\x1b[31m", "\xff", "c"}}), "a\\nb  \\x1b[31m  \\xff  c\n");
}

TEST(Table, LeavesQuotesAsTheyAre) {
  EXPECT_EQ(table({{"it's", "'", "\\'", "a\\"}}), "it's  '  \\\\'  a\\\\\n");
}

}  // namespace
}  // namespace cli
