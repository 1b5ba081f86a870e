#include <gtest/gtest.h>

#include "base/text.h"
#include "cli/tool_main.h"

namespace cli {
namespace {

TEST(HelpText, AlignsOptionsInTwoColumns) {
  ToolSpec spec;
  spec.name = "schooltool-db-check";
  spec.summary = "judge the live database against what was there before the upgrade";
  spec.synopsis = "[OPTION]... [--all | --instance NAME]";
  spec.options = {
      {.name = "all", .letter = 'a', .argument = "", .help = "every instance"},
      {.name = "instance",
       .argument = "NAME",
       .help = "only this one; may be given several times, and then all that are named are checked"},
      {.name = "on-snapshot-failure", .argument = "stop|warn", .help = "what a failed snapshot does"}};
  spec.exit_codes = {
      {0, "all is well"},
      {1,
       "a database is missing, blank, damaged or another one, and this sentence is long enough "
       "to go on in the next line"},
      {3, "busy, try later"}};
  EXPECT_EQ(help_text(spec),
            "Usage: schooltool-db-check [OPTION]... [--all | --instance NAME]\n"
            "judge the live database against what was there before the upgrade\n"
            "\n"
            "Options:\n"
            "  -a, --all            every instance\n"
            "      --instance=NAME  only this one; may be given several times, and then all\n"
            "                       that are named are checked\n"
            "      --on-snapshot-failure=stop|warn\n"
            "                       what a failed snapshot does\n"
            "      --help           show this help and exit\n"
            "      --version        show the version and exit\n"
            "\n"
            "Exit status:\n"
            "  0  all is well\n"
            "  1  a database is missing, blank, damaged or another one, and this sentence is\n"
            "     long enough to go on in the next line\n"
            "  3  busy, try later\n");
}

TEST(HelpText, StaysWithinEightyColumns) {
  ToolSpec spec;
  spec.name = "tool";
  spec.summary = std::string(39, 'a') + " " + std::string(40, 'b') + " c";
  for (int i = 0; i < 20; ++i) {
    spec.synopsis += "[--option-number-" + std::to_string(i) + "] ";
    spec.options.push_back(
        {.name = "o" + std::string(static_cast<std::size_t>(i), 'o'),
         .argument = "X",
         .help = "one two three four five six seven eight nine ten eleven twelve thirteen"});
  }
  const std::string text = help_text(spec);
  for (const std::string& line : base::split(text, '\n')) EXPECT_LE(line.size(), 80u) << line;
  // Exactly 80 characters still fit.
  EXPECT_NE(text.find("\n" + std::string(39, 'a') + " " + std::string(40, 'b') + "\nc\n"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace cli
