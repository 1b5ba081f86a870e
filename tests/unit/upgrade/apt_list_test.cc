#include "upgrade/apt_list.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace upgrade {
namespace {

std::string captured(const std::string& name) {
  std::ifstream file(std::string(TEST_DATA_DIR) + "/apt-lists/" + name);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// "schooltool 1.0->2.0, ..."
std::string text(const std::vector<PackageChange>& changes) {
  std::string result;
  for (const PackageChange& change : changes) {
    if (!result.empty()) result += ", ";
    result += change.name + " " + change.old_version + "->" + change.new_version;
  }
  return result;
}

std::string list_with(const std::string& configuration, const std::string& packages) {
  return "VERSION 3\n" + configuration + "\n" + packages;
}

constexpr const char* kUpgrade =
    "schooltool 1.0 all none < 2.0 all none /var/cache/apt/archives/schooltool_2.0_all.deb\n";

TEST(AptList, ReadsCapturedLists) {
  const struct {
    const char* file;
    const char* unpacked;
  } cases[] = {{"install.list", "schooltool ->1.0"},
               {"upgrade.list", "schooltool 1.0->2.0"},
               {"reinstall.list", "schooltool 2.0->2.0"},
               {"downgrade.list", "schooltool 2.0->1.0"},
               {"purge.list", ""}};
  for (const auto& one : cases) {
    const AptList list = parse_apt_list(captured(one.file));
    EXPECT_TRUE(list.understood) << one.file;
    EXPECT_FALSE(list.foreign_root) << one.file;
    EXPECT_EQ(text(list.unpacked), one.unpacked) << one.file;
  }
}

TEST(AptList, TakesEachNameOnceAndInOrder) {
  const AptList list =
      parse_apt_list(list_with("Dir=/\n",
                               "libc6 2.31 amd64 same < 2.36 amd64 same /a/libc6_2.36_amd64.deb\n"
                               "libc6 2.31 i386 same < 2.36 i386 same /a/libc6_2.36_i386.deb\n"
                               "gone 1 all foreign > - - none **REMOVE**\n"
                               "schooltool 1:2.8~rc1+dfsg-1 all none < 1:2.10-2 all none /a/x.deb\n"
                               "libc6 2.31 amd64 same < 2.36 amd64 same **CONFIGURE**\n"
                               "half 2.0 all none = 2.0 all none **CONFIGURE**\n"));
  EXPECT_TRUE(list.understood);
  EXPECT_EQ(text(list.unpacked), "libc6 2.31->2.36, schooltool 1:2.8~rc1+dfsg-1->1:2.10-2");
}

TEST(AptList, CountsAnArchiveWithoutAbsolutePathAsUnpacked) {
  const AptList list =
      parse_apt_list(list_with("Dir=/\n", "schooltool 1.0 all none < 2.0 all none **ERROR**\n"));
  EXPECT_TRUE(list.understood);
  EXPECT_EQ(text(list.unpacked), "schooltool 1.0->2.0");
}

TEST(AptList, KnowsWhatItDoesNotUnderstand) {
  const std::string good = list_with("Dir=/\n", kUpgrade);
  ASSERT_TRUE(parse_apt_list(good).understood);
  const std::string bad[] = {
      "",
      "VERSION 2\nDir=/\n\nschooltool 1.0 < 2.0 /a/x.deb\n",
      "VERSION 4\nDir=/\n\n",
      "VERSION 3",
      "VERSION 3\nDir=/\n",                                // cut off: the empty line is missing
      "/var/cache/apt/archives/schooltool_2.0_all.deb\n",  // version 1
      list_with("Dir=/\n", "schooltool 1.0 < 2.0 /a/x.deb\n"),
      list_with("Dir=/\n", "schooltool 1.0 all none < 2.0 all none\n"),
      list_with("Dir=/\n", "schooltool 1.0 all none < 2.0 all none \n"),
      list_with("Dir=/\n", "schooltool 1.0 all none ! 2.0 all none /a/x.deb\n"),
      list_with("Dir=/\n", "schooltool  all none < 2.0 all none /a/x.deb\n"),
      list_with("Dir=/\n", "schooltool 1.0 all none < 2.0 all none x.deb\n"),
      list_with("Dir=/\n", "schooltool 1.0 all none < 2.0 all none **DISAPPEAR**\n"),
      list_with("Dir=/\n", "\n"),
      std::string(17'000'000, 'x'),
      list_with(std::string(17'000'000, 'x') + "\n", kUpgrade),
  };
  for (const std::string& one : bad) EXPECT_FALSE(parse_apt_list(one).understood) << one.substr(0, 100);
}

TEST(AptList, KeepsWhatItCouldReadBesideALineItCouldNot) {
  const AptList list = parse_apt_list(list_with("Dir=/\n", std::string("nonsense\n") + kUpgrade));
  EXPECT_FALSE(list.understood);
  EXPECT_EQ(text(list.unpacked), "schooltool 1.0->2.0");
}

TEST(AptList, ReadsEveryPrefixAndEveryDamagedByteWithoutHarm) {
  const std::string whole = captured("upgrade.list");
  for (std::size_t length = 0; length < whole.size(); length += 7) parse_apt_list(whole.substr(0, length));
  for (std::size_t at = 0; at < whole.size(); at += 11) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    parse_apt_list(damaged);
  }
  EXPECT_FALSE(parse_apt_list(whole.substr(0, whole.size() - 20)).understood);
}

struct RootCase {
  const char* configuration;
  bool foreign;
};
void PrintTo(const RootCase& one, std::ostream* out) {
  *out << one.configuration;
}

class AptRoot : public testing::TestWithParam<RootCase> {};

TEST_P(AptRoot, IsThisSystemOrAnother) {
  EXPECT_EQ(parse_apt_list(list_with(GetParam().configuration, kUpgrade)).foreign_root, GetParam().foreign);
}

INSTANTIATE_TEST_SUITE_P(
    Options, AptRoot,
    testing::Values(RootCase{"Dir=/\n", false}, RootCase{"", false}, RootCase{"Dir=//\n", false},
                    RootCase{"Dir=/srv/target\n", true}, RootCase{"Dir=/srv/target/\n", true},
                    RootCase{"Dir=/srv/two%20words\n", true}, RootCase{"RootDir=/srv/target\nDir=/\n", true},
                    RootCase{"rootdir=/srv/target\nDir=/\n", true}, RootCase{"RootDir=/\nDir=/\n", false},
                    RootCase{"Dir=/\nDir::State::status=/var/lib/dpkg/status\n", false},
                    RootCase{"Dir=/\nDir::State::status=/srv/target/var/lib/dpkg/status\n", true},
                    RootCase{"Dir=/\nDir::State::status=/var/lib/%64pkg/status\n", false},
                    RootCase{"Dir=/\nDPkg::Options::=--force-confold\n", false},
                    RootCase{"Dir=/\nDPkg::Options::=--root=/srv/target\n", true},
                    RootCase{"Dir=/\nDpkg::Options::=--root=/\n", false},
                    RootCase{"Dir=/\nDPkg::Options::=--instdir=/srv/target\n", true},
                    RootCase{"Dir=/\nDPkg::Options::=--admindir=/srv/target/dpkg\n", true},
                    RootCase{"Dir=/\nDPkg::Options::=--admindir=/var/lib/dpkg/\n", false},
                    RootCase{"Dir=/\nDPkg::Options::=--root\nDPkg::Options::=/srv/target\n", true},
                    RootCase{"Dir=/\nDir::Etc=etc/apt\nDir::Log=/srv/elsewhere\n", false},
                    // The hook runs inside this folder: what is outside "/srv/target" is "/" here.
                    RootCase{"Dir=/srv/target\nDPkg::Chroot-Directory=/srv/target\n", false},
                    RootCase{"Dir=/srv/target\nDPkg::Chroot-Directory=/srv/other\n", true},
                    RootCase{"Dir=/\nDPkg::Chroot-Directory=/\n", false}));

}  // namespace
}  // namespace upgrade
