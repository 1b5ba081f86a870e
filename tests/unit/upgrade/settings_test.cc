#include "upgrade/settings.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <regex>

#include "base/error.h"
#include "base/text.h"
#include "cli/ini.h"
#include "support/temp_dir.h"

namespace upgrade {
namespace {

using base::Setting;

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::usage);
    return error.what();
  }
  return "";
}

std::string refusal(const std::string& key, const std::string& value) {
  Settings settings;
  return refusal([&] { apply_setting(settings, key, value); });
}

Settings with(const std::string& key, const std::string& value) {
  Settings settings;
  apply_setting(settings, key, value);
  return settings;
}

Setting at(unsigned line, const std::string& section, const std::string& key, const std::string& value) {
  return {section, key, value, "/etc/x.conf", line};
}

TEST(ParseDuration, KnowsSecondsMinutesHoursAndDays) {
  EXPECT_EQ(parse_duration("0"), 0u);
  EXPECT_EQ(parse_duration("90"), 90u);
  EXPECT_EQ(parse_duration("90s"), 90u);
  EXPECT_EQ(parse_duration("5m"), 300u);
  EXPECT_EQ(parse_duration("2h"), 7200u);
  EXPECT_EQ(parse_duration("366d"), 31622400u);
}

TEST(ParseDuration, RefusesOtherForms) {
  for (const char* text : {"", "s", "-1", "+1", "1.5h", "5 m", "5M", "5min", "1h30m", "367d", " 5",
                           "99999999999999999999", "213503982334602d"})
    EXPECT_NE(refusal([&] { parse_duration(text); }), "") << text;
}

TEST(ParseSize, UsesPowersOfAThousand) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("123"), 123u);
  EXPECT_EQ(parse_size("1K"), 1000u);
  EXPECT_EQ(parse_size("500M"), 500'000'000u);
  EXPECT_EQ(parse_size("2G"), 2'000'000'000u);
  EXPECT_EQ(parse_size("3T"), 3'000'000'000'000u);
  EXPECT_EQ(parse_size("18446744073709551615"), 18446744073709551615u);
}

TEST(ParseSize, RefusesOtherForms) {
  for (const char* text :
       {"", "M", "-1", "1.5G", "5 M", "5MB", "5m", "18446744073709551616", "18446745T", "0x10"})
    EXPECT_NE(refusal([&] { parse_size(text); }), "") << text;
}

TEST(Settings, EveryKeyReachesItsMember) {
  EXPECT_FALSE(with("enabled", "no").enabled);
  EXPECT_EQ(with("data", "/srv/my data/Data.fs").data, "/srv/my data/Data.fs");
  EXPECT_EQ(with("blobs", "/srv/blobs").blobs, "/srv/blobs");
  EXPECT_EQ(with("service", "schooltool@b.service").service, "schooltool@b.service");
  EXPECT_EQ(with("keep", "9").keep, 9u);
  EXPECT_EQ(with("keep-min", "4").keep_min, 4u);
  EXPECT_EQ(with("min-free", "2G").min_free, 2'000'000'000u);
  EXPECT_EQ(with("settle", "10m").settle, 600u);
  EXPECT_EQ(with("on-damaged", "rollback").on_damaged, OnBad::roll_back);
  EXPECT_EQ(with("on-foreign", "rollback").on_foreign, OnBad::roll_back);
  EXPECT_EQ(with("on-snapshot-failure", "warn").on_snapshot_failure, OnSnapshotFailure::warn);
  EXPECT_EQ(with("lock-wait", "1m").lock_wait, 60u);
  EXPECT_FALSE(with("backup", "no").backup);
  EXPECT_EQ(with("backup-dir", "/srv/backups").backup_dir, "/srv/backups");
  EXPECT_EQ(with("backup-keep", "3").backup_keep, 3u);
  EXPECT_EQ(with("backup-keep", "1").backup_keep_min, 1u);
  EXPECT_EQ(with("backup-keep-min", "1").backup_keep_min, 1u);
  EXPECT_EQ(with("backup-max-age-of-full", "30d").backup_max_age_of_full, 30u * 86400u);
  EXPECT_EQ(with("backup-max-age", "2d").backup_max_age, 2u * 86400u);
}

TEST(Settings, SwitchesHaveThreeSpellings) {
  for (const char* yes : {"yes", "true", "on"}) EXPECT_TRUE(with("enabled", yes).enabled);
  for (const char* no : {"no", "false", "off"}) EXPECT_FALSE(with("enabled", no).enabled);
}

TEST(Settings, ListsAreSeparatedByCommasOrSpaces) {
  const std::vector<std::string> expected = {"schooltool", "python3-*", "libx+y"};
  EXPECT_EQ(with("packages", "schooltool, python3-*,libx+y").packages, expected);
  EXPECT_EQ(with("packages", "  schooltool\tpython3-*  ,, libx+y ").packages, expected);
}

TEST(Settings, RefusesValuesWithTheirKey) {
  EXPECT_EQ(refusal("kepe", "3"), "unknown key 'kepe'");
  EXPECT_EQ(refusal("Keep", "3"), "unknown key 'Keep'");
  EXPECT_EQ(refusal("keep", "0"), "keep: '0' is not a number from 1 to 1000");
  EXPECT_EQ(refusal("keep", "seven"), "keep: 'seven' is not a number from 1 to 1000");
  EXPECT_EQ(refusal("keep-min", "0"), "keep-min: '0' is not a number from 1 to 1000");
  EXPECT_EQ(refusal("enabled", "maybe"), "enabled: 'maybe' is not yes or no");
  EXPECT_EQ(refusal("on-damaged", "panic"), "on-damaged: 'panic' is not warn or rollback");
  EXPECT_EQ(refusal("on-snapshot-failure", "rollback"),
            "on-snapshot-failure: 'rollback' is not stop or warn");
  EXPECT_EQ(refusal("min-free", "lots"), "min-free: 'lots' is not a size, like 1000000, 500M or 2G");
  for (const char* path :
       {"", "/", "Data.fs", "./Data.fs", "/srv/../Data.fs", "/srv//Data.fs", "/srv/./x", "/srv/"})
    EXPECT_NE(refusal("data", path), "") << path;
  for (const char* name : {"", "-x", "a b", "a/b", "$(id)", "a;b"})
    EXPECT_NE(refusal("service", name), "") << name;
  for (const char* list : {"", " , ", "-x", "a/b", "a;b"}) EXPECT_NE(refusal("packages", list), "") << list;
}

TEST(Settings, DefaultsStandAsTheTableSays) {
  for (const SettingSpec& spec : setting_specs()) {
    EXPECT_FALSE(spec.meaning.empty()) << spec.key;
    if (spec.key == "data" || spec.key == "blobs") continue;  // described in words
    EXPECT_EQ(with(spec.key, spec.default_text), Settings()) << spec.key;
  }
}

TEST(Settings, NarrowerSectionWins) {
  const std::vector<Setting> configured = {
      at(1, "", "keep", "10"), at(2, "", "settle", "1m"), at(4, "instance a", "keep", "3"),
      at(5, "instance a", "data", "/srv/a/Data.fs"), at(7, "instance  b", "keep", "20")};
  const Settings a = settings_for("a", configured);
  EXPECT_EQ(a.keep, 3u);
  EXPECT_EQ(a.settle, 60u);
  EXPECT_EQ(a.data, "/srv/a/Data.fs");
  EXPECT_EQ(settings_for("b", configured).keep, 20u);
  EXPECT_EQ(settings_for("b", configured).data, "");
  EXPECT_EQ(settings_for("c", configured).keep, 10u);
  EXPECT_EQ(settings_for("c", {}), Settings());
}

TEST(Settings, NamesFileAndLineOfAMistake) {
  const auto told = [](const Setting& setting) { return refusal([&] { settings_for("a", {setting}); }); };
  EXPECT_EQ(told(at(12, "", "kepe", "3")), "/etc/x.conf line 12: unknown key 'kepe'");
  EXPECT_EQ(told(at(3, "instance a", "keep", "x")),
            "/etc/x.conf line 3: keep: 'x' is not a number from 1 to 1000");
  EXPECT_EQ(told(at(4, "", "data", "/srv/Data.fs")),
            "/etc/x.conf line 4: key 'data' belongs into a section [instance NAME]");
  EXPECT_EQ(told(at(4, "", "blobs", "/srv/blobs")),
            "/etc/x.conf line 4: key 'blobs' belongs into a section [instance NAME]");
  EXPECT_EQ(told(at(5, "other", "keep", "3")),
            "/etc/x.conf line 5: unknown section 'other': not [instance NAME]");
  EXPECT_EQ(told(at(5, "instances", "keep", "3")),
            "/etc/x.conf line 5: unknown section 'instances': not [instance NAME]");
  EXPECT_EQ(told(at(5, "instance", "keep", "3")),
            "/etc/x.conf line 5: unknown section 'instance': not [instance NAME]");
  EXPECT_EQ(told(at(5, "instance ../x", "keep", "3")),
            "/etc/x.conf line 5: '../x' is not a name for an instance");
}

TEST(Settings, MistakesOfOneInstanceDoNotHitAnother) {
  EXPECT_EQ(settings_for("a", {at(1, "instance b", "kepe", "3")}), Settings());
}

TEST(Settings, KeepMinIsAtMostKeep) {
  EXPECT_EQ(refusal([] {
              settings_for("a", {at(1, "", "keep-min", "5"), at(2, "", "keep", "3")});
            }),
            "/etc/x.conf line 1: keep-min: 5 is more than keep, which is 3");
  EXPECT_EQ(refusal([] { settings_for("a", {at(1, "", "keep-min", "8")}); }),
            "/etc/x.conf line 1: keep-min: 8 is more than keep, which is 7");
  // Whatever their order in one section.
  const Settings both = settings_for("a", {at(1, "", "keep-min", "9"), at(2, "", "keep", "10")});
  EXPECT_EQ(both.keep_min, 9u);
  EXPECT_EQ(both.keep, 10u);
}

TEST(Settings, KeepBelowTheFormerKeepMinLowersIt) {
  EXPECT_EQ(with("keep", "1").keep_min, 1u);
  const Settings settings = settings_for("a", {at(1, "", "keep-min", "5"), at(2, "instance a", "keep", "3")});
  EXPECT_EQ(settings.keep, 3u);
  EXPECT_EQ(settings.keep_min, 3u);
}

TEST(Settings, CommandLineAppliesTogether) {
  Settings settings;
  apply_settings(settings, {{"keep-min", "9"}, {"keep", "12"}, {"settle", "0"}});
  EXPECT_EQ(settings.keep_min, 9u);
  EXPECT_EQ(settings.keep, 12u);
  EXPECT_EQ(settings.settle, 0u);
  EXPECT_EQ(refusal([&] {
              apply_settings(settings, {{"keep-min", "5"}, {"keep", "3"}});
            }),
            "keep-min: 5 is more than keep, which is 3");
  EXPECT_EQ(refusal([&] {
              apply_settings(settings, {{"keep", "x"}});
            }),
            "keep: 'x' is not a number from 1 to 1000");
}

// The OPTIONS section of schooltool-dbtools.conf(5) as "key", "argument" and text up to the next key.
struct PageEntry {
  std::string argument, text;
};
std::map<std::string, PageEntry> entries_of_man_page() {
  const std::string page = support::slurp(SOURCE_DIR "/man/schooltool-dbtools.conf.5");
  const std::size_t start = page.find(".SH OPTIONS\n");
  const std::string options = page.substr(start, page.find("\n.SH ", start) - start);
  std::string plain;  // without the backslashes of "\-"
  for (std::size_t i = 0; i < options.size(); ++i)
    if (options.compare(i, 2, "\\-") != 0) plain += options[i];
  std::map<std::string, PageEntry> entries;
  std::string* text = nullptr;
  for (const std::string& line : base::split(plain, '\n')) {
    static const std::regex heading(R"re(\.BI "([a-z-]+) = " (\S+))re");
    std::smatch match;
    if (std::regex_match(line, match, heading)) {
      PageEntry& entry = entries[match[1]];
      entry.argument = match[2];
      text = &entry.text;
    } else if (text != nullptr) {
      *text += line + "\n";
    }
  }
  return entries;
}

TEST(Settings, StandOnTheManPageWithTheirDefaults) {
  const auto entries = entries_of_man_page();
  for (const SettingSpec& spec : setting_specs()) {
    ASSERT_TRUE(entries.contains(spec.key)) << spec.key;
    const PageEntry& entry = entries.at(spec.key);
    EXPECT_EQ(entry.argument, spec.argument) << spec.key;
    EXPECT_NE(entry.text.find("\n.br\nDefault: " + spec.default_text + ".\n"), std::string::npos) << spec.key;
  }
  EXPECT_EQ(entries.size(), setting_specs().size()) << "the page has a key that the program does not know";
}

TEST(Settings, TheInstalledFileShowsTheDefaults) {
  const std::string file = SOURCE_DIR "/debian/schooltool-dbtools.conf";
  const std::string text = support::slurp(file);
  EXPECT_TRUE(cli::parse_ini(text, file).empty()) << "everything is commented out";
  std::string shown;
  for (const std::string& line : base::split(text, '\n'))
    if (line.starts_with('#') && !line.starts_with("# ")) shown += line.substr(1) + "\n";
  const std::vector<Setting> configured = cli::parse_ini(shown, file);
  EXPECT_EQ(settings_for("standard", configured), Settings());
  EXPECT_EQ(configured.size(), setting_specs().size() - 2) << "all but data and blobs";
}

TEST(InstanceName, HasNoWayOutOfAFolder) {
  for (const char* name : {"standard", "a", "7b", "my.school", "a_b-c"})
    EXPECT_TRUE(is_instance_name(name)) << name;
  for (const char* name : {"", ".", "..", ".x", "-x", "_x", "a/b", "a b", "a\n", "\xc3\xa4"})
    EXPECT_FALSE(is_instance_name(name)) << name;
  EXPECT_TRUE(is_instance_name(std::string(64, 'a')));
  EXPECT_FALSE(is_instance_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace upgrade
