#include "zeo/command_line.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace {

using zeo::Address;
using zeo::CommandLine;
using zeo::Refusal;
using Words = std::vector<std::string>;

constexpr base::UtcTime kNow = {1'795'422'490, 510'000'000};

std::variant<CommandLine, Refusal> read(const Words& words) {
  return zeo::read_command_line(words, kNow, [] { return "school"; });
}
CommandLine accepted(const Words& words) {
  const auto result = read(words);
  if (const auto* refusal = std::get_if<Refusal>(&result)) {
    ADD_FAILURE() << refusal->text;
    return {};
  }
  return std::get<CommandLine>(result);
}
// Of a refusal by the option parser, without the usage in front.
std::string parser_error(const Words& words) {
  const auto result = read(words);
  const auto* refusal = std::get_if<Refusal>(&result);
  if (refusal == nullptr || refusal->exit_status != 2) return "not refused by the parser";
  const std::string start = zeo::usage_text() + "\nzeopack: error: ";
  return refusal->text.starts_with(start) ? refusal->text.substr(start.size()) : refusal->text;
}
std::string content_error(const Words& words) {
  const auto result = read(words);
  const auto* refusal = std::get_if<Refusal>(&result);
  return refusal == nullptr || refusal->exit_status != 1 ? "not refused for its content" : refusal->text;
}
std::vector<zeo::Server> servers(const Words& words) {
  return accepted(words).servers;
}

TEST(CommandLine, TakesServersInEveryForm) {
  using List = std::vector<zeo::Server>;
  EXPECT_EQ(servers({"h:1"}), (List{{Address::tcp("h", 1), "1"}}));
  EXPECT_EQ(servers({"h:1:name"}), (List{{Address::tcp("h", 1), "name"}}));
  EXPECT_EQ(servers({"h: 8_1 :"}), (List{{Address::tcp("h", 81), ""}}));
  EXPECT_EQ(servers({":81"}), (List{{Address::tcp("localhost", 81), "1"}}));
  EXPECT_EQ(servers({"[::1]:81"}), (List{{Address::tcp("::1", 81), "1"}}));
  EXPECT_EQ(servers({"[::1]:81:name"}), (List{{Address::tcp("::1", 81), "name"}}));
  EXPECT_EQ(servers({"-u", "/s"}), (List{{Address::unix_socket("/s"), "1"}}));
  EXPECT_EQ(servers({"--unix=/s:name"}), (List{{Address::unix_socket("/s"), "name"}}));
  EXPECT_EQ(servers({"-h", "h", "-p", "81"}), (List{{Address::tcp("h", 81), "1"}}));
  EXPECT_EQ(servers({"-h::1", "-p81", "-Sname"}), (List{{Address::tcp("::1", 81), "name"}}));
  EXPECT_EQ(servers({"-p", "0x51"}), (List{{Address::tcp("school", 81), "1"}}));
  EXPECT_EQ(servers({"-U", "/s:x", "-S", "name"}), (List{{Address::unix_socket("/s:x"), "name"}}));
}

TEST(CommandLine, KeepsTheOrderOfTheOriginal) {
  const auto list = servers({"-u", "/4", "c:3", "-U", "/2", "-u", "/5", "-p", "1", "-h", "a", "-S", "n"});
  ASSERT_EQ(list.size(), 5U);
  EXPECT_EQ(list[0], (zeo::Server{Address::tcp("a", 1), "n"}));
  EXPECT_EQ(list[1], (zeo::Server{Address::unix_socket("/2"), "n"}));
  EXPECT_EQ(list[2], (zeo::Server{Address::tcp("c", 3), "1"}));
  EXPECT_EQ(list[3], (zeo::Server{Address::unix_socket("/4"), "1"}));
  EXPECT_EQ(list[4], (zeo::Server{Address::unix_socket("/5"), "1"}));
}

TEST(CommandLine, RefusesServersInTheWordsOfTheOriginal) {
  EXPECT_EQ(content_error({"-h", "foo"}),
            "Error:\nIf host (-h) is specified then a port (-p) must be specified as well.\n");
  EXPECT_EQ(content_error({"x:y"}), "Error:\nInvalid port in server specification: 'x:y'\n");
  EXPECT_EQ(content_error({"x:0"}), "Error:\nInvalid port in server specification: 'x:0'\n");
  EXPECT_EQ(content_error({"x:65536"}), "Error:\nInvalid port in server specification: 'x:65536'\n");
  for (const std::string word : {"x", "a:1:b:c", "::1:81", "", "-"})
    EXPECT_EQ(content_error({"h:1", word}), "Error:\nInvalid server specification: '" + word + "'\n");
  EXPECT_EQ(content_error({"-u", "a:b:c"}), "Error:\nInvalid server specification: 'a:b:c'\n");
  EXPECT_EQ(content_error({"-d", "1"}), "Error:\nNo servers specified.\n");
  EXPECT_EQ(content_error({"-S", "x", "--"}), "Error:\nNo servers specified.\n");
}

TEST(CommandLine, DaysComeOffTheTime) {
  EXPECT_DOUBLE_EQ(accepted({"h:1"}).time, 1795422490.51);
  for (const Words& words : {Words{"-d", "3", "h:1"},
                             {"-d3", "h:1"},
                             {"h:1", "--days", "3"},
                             {"--da=3", "h:1"},
                             {"-d0x3", "h:1"},
                             {"-d0b11", "h:1"},
                             {"-d03", "h:1"},
                             {"-d", " 3 ", "h:1"},
                             {"-d+3", "h:1"}})
    EXPECT_DOUBLE_EQ(accepted(words).time, 1795422490.51 - 3 * 86400) << words[0];
  EXPECT_DOUBLE_EQ(accepted({"-d", "-3", "h:1"}).time, 1795422490.51 + 3 * 86400);
  EXPECT_DOUBLE_EQ(accepted({"-d", "010", "h:1"}).time, 1795422490.51 - 8 * 86400);
  for (const char* text : {"x", "", "1.5", "3z", "08", "1__0", "_1", "1_", "0x", "-", "0b2"})
    EXPECT_EQ(parser_error({"-d", text, "h:1"}),
              "option -d: invalid integer value: '" + std::string(text) + "'\n");
  EXPECT_EQ(parser_error({"--day", "x"}), "option --days: invalid integer value: 'x'\n");
}

TEST(CommandLine, TimeIsOfTodayWhereWeAre) {
  ASSERT_EQ(setenv("TZ", "EST5", 1), 0);
  tzset();
  // 2026-11-23 08:28:10 UTC is 03:28:10 there.
  const double midnight = 1'795'422'490 - (3 * 3600 + 28 * 60 + 10);
  EXPECT_DOUBLE_EQ(accepted({"-t", "0", "h:1"}).time, midnight);
  EXPECT_DOUBLE_EQ(accepted({"-t", "12", "h:1"}).time, midnight + 12 * 3600);
  EXPECT_DOUBLE_EQ(accepted({"--time=12:30", "h:1"}).time, midnight + 12.5 * 3600);
  EXPECT_DOUBLE_EQ(accepted({"-t1:2:3", "-d", "2", "h:1"}).time, midnight + 3723 - 2 * 86400);
  EXPECT_DOUBLE_EQ(accepted({"-t", "25:-1", "h:1"}).time, midnight + 25 * 3600 - 60);
  ASSERT_EQ(unsetenv("TZ"), 0);
  tzset();
  for (const std::string text : {"1:2:3:4", "x", "1:", "12:x", "99999999999"})
    EXPECT_EQ(content_error({"-t", text, "h:1"}), "Error:\nInvalid time value: '" + text + "'\n");
}

TEST(CommandLine, RefusesOptionsAsOptparseDoes) {
  EXPECT_EQ(parser_error({"-x"}), "no such option: -x\n");
  EXPECT_EQ(parser_error({"--no=3"}), "no such option: --no\n");
  EXPECT_EQ(parser_error({"-d"}), "-d option requires 1 argument\n");
  EXPECT_EQ(parser_error({"--un"}), "--unix option requires 1 argument\n");
  EXPECT_EQ(parser_error({"--all=1"}), "--all option does not take a value\n");
  EXPECT_EQ(parser_error({"--p"}), "ambiguous option: --p (--pack-timeout, --progress?)\n");
}

TEST(CommandLine, AbbreviationsOfTheOriginalKeepTheirMeaning) {
  EXPECT_NE(accepted({"--t", "0", "h:1"}).time, accepted({"h:1"}).time);
  EXPECT_EQ(accepted({"--timeo", "5", "h:1"}).timeout_ms, 5000);
}

TEST(CommandLine, HasOptionsOfItsOwn) {
  const CommandLine line =
      accepted({"--all", "--json", "--progress", "--timeout=2.5", "--pack-timeout", "3600"});
  EXPECT_TRUE(line.all && line.json && line.progress);
  EXPECT_TRUE(line.servers.empty());
  EXPECT_EQ(line.timeout_ms, 2500);
  EXPECT_EQ(line.pack_timeout_ms, 3'600'000);
  EXPECT_EQ(accepted({"h:1"}).pack_timeout_ms, 0);
  EXPECT_EQ(accepted({"--help", "-x"}).wish, CommandLine::Wish::help);
  EXPECT_EQ(accepted({"--version"}).wish, CommandLine::Wish::version);
  for (const char* text : {"", "x", "1s", " 1"})
    EXPECT_EQ(parser_error({"--timeout", text}),
              "option --timeout: invalid floating-point value: '" + std::string(text) + "'\n");
  for (const char* text : {"0", "-1", "nan", "inf", "1e9"})
    EXPECT_EQ(parser_error({"--timeout", text}),
              "option --timeout: not a sensible number of seconds: '" + std::string(text) + "'\n");
}

TEST(CommandLine, WordsMayLookLikeOptionsBehindTwoDashes) {
  EXPECT_EQ(content_error({"--", "-d:x"}), "Error:\nInvalid port in server specification: '-d:x'\n");
  EXPECT_EQ(servers({"--", "-d:5"}), (std::vector<zeo::Server>{{Address::tcp("-d", 5), "1"}}));
}

TEST(CommandLine, UsageStandsAboveTheHelp) {
  EXPECT_TRUE(zeo::help_text().starts_with(zeo::usage_text()));
}

}  // namespace
