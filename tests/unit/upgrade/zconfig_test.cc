#include "upgrade/zconfig.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/mem_env.h"

namespace upgrade {
namespace {

class ZConfig : public testing::Test {
 protected:
  ZSection read(const std::string& text) {
    env_.put_file("/etc/a/zeo.conf", text);
    return read_zconfig(env_, "/etc/a", "zeo.conf");
  }
  // Kind and message of the refusal.
  std::string refusal(const std::string& text) {
    try {
      read(text);
    } catch (const base::Error& error) {
      return std::string(base::to_string(error.kind())) + ": " + error.what();
    }
    return "";
  }
  static std::string corrupt(const std::string& reason) {
    return "corrupt: read configuration '/etc/a/zeo.conf': " + reason;
  }

  io::MemEnv env_;
};

TEST_F(ZConfig, ReadsNestedSections) {
  const ZSection top = read(
      "# comment\n"
      "level info\n"
      "\n"
      "<Zodb Main>\n"
      "  <FILESTORAGE>\n"
      "\tPath   /var/lib/My Data.fs  \r\n"
      "  </fileStorage>\n"
      "  <mapping/>\n"
      "  <empty 1 />\n"
      "</zodb>\n"
      "flag");
  EXPECT_EQ(top.type, "");
  EXPECT_EQ(top.value("level"), "info");
  ASSERT_EQ(top.keys.size(), 2u);
  EXPECT_EQ(top.keys[1], (std::pair<std::string, std::string>("flag", "")));
  ASSERT_EQ(top.sections.size(), 1u);
  const ZSection& zodb = top.sections.front();
  EXPECT_EQ(zodb.type, "zodb");
  EXPECT_EQ(zodb.name, "main");
  ASSERT_EQ(zodb.sections.size(), 3u);
  EXPECT_EQ(zodb.sections[0].type, "filestorage");
  EXPECT_EQ(zodb.sections[0].name, "");
  EXPECT_EQ(zodb.sections[0].value("path"), "/var/lib/My Data.fs");
  EXPECT_EQ(zodb.sections[1].type, "mapping");
  EXPECT_EQ(zodb.sections[2].type, "empty");
  EXPECT_EQ(zodb.sections[2].name, "1");
}

TEST_F(ZConfig, FindsSectionsAtAnyDepth) {
  const ZSection top = read("<a>\nx 1\n<b>\n<a>\nx 2\n</a>\n</b>\n</a>\n<a>\nx 3\n</a>\n");
  const auto found = top.all("a");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0]->value("x"), "1");
  EXPECT_EQ(found[1]->value("x"), "2");
  EXPECT_EQ(found[2]->value("x"), "3");
  EXPECT_TRUE(top.all("c").empty());
  EXPECT_EQ(top.value("x"), "");
}

TEST_F(ZConfig, TakesTheNumberSignForACommentOnlyAtTheStart) {
  EXPECT_EQ(read("path /a#b # c\n").value("path"), "/a#b # c");
}

TEST_F(ZConfig, SubstitutesDefinedNames) {
  const ZSection top = read(
      "%define Data /var/lib\n"
      "%define both $DATA/${data}\n"
      "%define empty\n"
      "%define data /var/lib\n"
      "a $data/x\n"
      "b ${Data}x\n"
      "c $$data\n"
      "d $both\n"
      "e [$empty]\n"
      "f $data-x.$data\n"
      "g $$$data$$\n");
  EXPECT_EQ(top.value("a"), "/var/lib/x");
  EXPECT_EQ(top.value("b"), "/var/libx");
  EXPECT_EQ(top.value("c"), "$data");
  EXPECT_EQ(top.value("d"), "/var/lib//var/lib");
  EXPECT_EQ(top.value("e"), "[]");
  EXPECT_EQ(top.value("f"), "/var/lib-x./var/lib");
  EXPECT_EQ(top.value("g"), "$/var/lib$");
}

TEST_F(ZConfig, DoesNotSubstituteTwice) {
  EXPECT_EQ(read("%define a $$b\n%define b x\nk $a\n").value("k"), "$b");
}

TEST_F(ZConfig, RefusesBadSubstitutions) {
  EXPECT_EQ(refusal("\npath $data/x\n"), corrupt("line 2: '$data' is not defined"));
  EXPECT_EQ(refusal("path ${data}/x\n"), corrupt("line 1: '$data' is not defined"));
  EXPECT_EQ(refusal("%define data x\npath ${data\n"), corrupt("line 2: '$' without a name behind it"));
  EXPECT_EQ(refusal("path x$\n"), corrupt("line 1: '$' without a name behind it"));
  EXPECT_EQ(refusal("path $/x\n"), corrupt("line 1: '$' without a name behind it"));
  EXPECT_EQ(refusal("path $1\n"), corrupt("line 1: '$' without a name behind it"));
  EXPECT_EQ(refusal("%define a 1\n%define A 2\n"), corrupt("line 2: cannot redefine 'a'"));
  EXPECT_EQ(refusal("%define a-b 2\n"), corrupt("line 1: not a name to define: 'a-b'"));
  EXPECT_EQ(
      refusal("path $(HOME)/x\n"),
      "unsupported: read configuration '/etc/a/zeo.conf': line 1: the server's environment is not known "
      "here: $(...)");
}

TEST_F(ZConfig, RefusesWhatIsNotWellFormed) {
  EXPECT_EQ(refusal("<a>\n"), corrupt("line 1: unclosed section 'a'"));
  EXPECT_EQ(refusal("</a>\n"), corrupt("line 1: section end without a section"));
  EXPECT_EQ(refusal("<a>\n</b>\n"), corrupt("line 2: section 'a' is ended as 'b'"));
  EXPECT_EQ(refusal("<a\n"), corrupt("line 1: a section tag without '>'"));
  EXPECT_EQ(refusal("<a> x\n"), corrupt("line 1: a section tag without '>'"));
  EXPECT_EQ(refusal("<>\n"), corrupt("line 1: malformed section tag"));
  EXPECT_EQ(refusal("<a b c>\n"), corrupt("line 1: malformed section tag"));
  EXPECT_EQ(refusal("<a(b)>\n"), corrupt("line 1: malformed section tag"));
  EXPECT_EQ(refusal("(x) 1\n"), corrupt("line 1: malformed line"));
  EXPECT_EQ(refusal("%frobnicate x\n"), corrupt("line 1: unknown directive '%frobnicate'"));
  EXPECT_EQ(refusal("%Define x\n"), corrupt("line 1: unknown directive '%Define'"));
  EXPECT_EQ(refusal("%define\n"), corrupt("line 1: %define needs an argument"));
  EXPECT_EQ(refusal("%include\n"), corrupt("line 1: %include needs an argument"));
}

TEST_F(ZConfig, IgnoresImports) {
  EXPECT_EQ(read("%import ZODB\nk v\n").value("k"), "v");
}

TEST_F(ZConfig, IncludesRelativeToTheIncludingFile) {
  env_.put_file("/etc/a/parts/one.conf", "%define x 1\n%include two.conf\n%include ../../common.conf\n");
  env_.put_file("/etc/a/parts/two.conf", "two $x\n");
  env_.put_file("/etc/common.conf", "common yes\n");
  env_.put_file("/srv/abs.conf", "<b/>\n");
  const ZSection top =
      read("%define parts parts\n<a>\n%include $parts/one.conf\nlast $x\n%include /srv/abs.conf\n</a>\n");
  const ZSection& a = top.sections.at(0);
  EXPECT_EQ(a.value("two"), "1");
  EXPECT_EQ(a.value("common"), "yes");
  EXPECT_EQ(a.value("last"), "1");
  EXPECT_EQ(a.sections.at(0).type, "b");
}

TEST_F(ZConfig, TellsTheIncludedFileOfAMistake) {
  env_.put_file("/etc/a/b.conf", "\n<x>\n");
  EXPECT_EQ(refusal("<y>\n%include b.conf\n</x>\n</y>\n"),
            "corrupt: read configuration '/etc/a/b.conf': line 2: unclosed section 'x'");
  env_.put_file("/etc/a/b.conf", "</y>\n");
  EXPECT_EQ(refusal("<y>\n%include b.conf\n"),
            "corrupt: read configuration '/etc/a/b.conf': line 1: section end without a section");
}

TEST_F(ZConfig, RefusesBadIncludes) {
  EXPECT_EQ(refusal("%include absent.conf\n").substr(0, 10), "not_found:");
  env_.put_symlink("/etc/a/link.conf", "/etc/shadow");
  EXPECT_EQ(refusal("%include link.conf\n").substr(0, 12), "unsafe_path:");
  EXPECT_EQ(refusal("%include http://example.com/x\n").substr(0, 12), "unsupported:");
  EXPECT_EQ(refusal("%include ../\n"), corrupt("line 1: not a file to include: '../'"));
  EXPECT_EQ(refusal("%include ..\n").substr(0, 12), "unsafe_path:");
  EXPECT_EQ(refusal("%include /\n"), corrupt("line 1: not a file to include: '/'"));
}

TEST_F(ZConfig, StopsAtIncludesInACircle) {
  EXPECT_EQ(refusal("%include zeo.conf\n"), corrupt("line 1: includes are nested too deeply"));
}

TEST_F(ZConfig, StopsAtTooManyIncludes) {
  env_.put_file("/etc/a/empty.conf", "");
  std::string text;
  for (int i = 0; i < 100; ++i) text += "%include empty.conf\n";
  EXPECT_EQ(refusal(text), "");
  EXPECT_EQ(refusal(text + "%include empty.conf\n"), corrupt("line 101: too many includes"));
}

TEST_F(ZConfig, StopsAtHostileSizes) {
  EXPECT_EQ(refusal(std::string(1'000'001, '#')).substr(0, 8), "corrupt:");
  EXPECT_EQ(refusal(std::string(1'000'000, '#')), "");

  std::string doubling = "%define a0 xxxxxxxxxxxxxxxx\n";
  for (int i = 1; i < 64; ++i) {
    const std::string before = "$a" + std::to_string(i - 1);
    doubling += "%define a" + std::to_string(i) + " " + before + before + "\n";
  }
  EXPECT_NE(refusal(doubling).find("too large after substitution"), std::string::npos) << refusal(doubling);

  std::string deep;
  for (int i = 0; i < 300'000; ++i) deep += "<a>";
  EXPECT_NE(refusal(deep), "");
  deep.clear();
  for (int i = 0; i < 200'000; ++i) deep += "<a>\n";
  EXPECT_EQ(refusal(deep), corrupt("line 101: sections are nested too deeply"));
}

}  // namespace
}  // namespace upgrade
