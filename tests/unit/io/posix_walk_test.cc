// Opening folders by path: which links are followed.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/posix_env.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

using base::ErrorKind;
using io::Links;
using support::fails_with;

class PosixWalk : public testing::Test {
 protected:
  PosixWalk() {
    folder("real");
    folder("real/inner");
    folder("real/inner/deep");
  }
  void folder(const std::string& name) { EXPECT_EQ(::mkdir((temp_ / name).c_str(), 0755), 0); }
  void symlink(const std::string& target, const std::string& name) {
    EXPECT_EQ(::symlink(target.c_str(), (temp_ / name).c_str()), 0);
  }
  // The name, under our folder, of the folder that `path` leads to.
  std::string where(const std::string& path, Links links) {
    const io::FileStatus found = env_->open_dir(path, links)->status();
    for (const char* name : {"", "/real", "/real/inner", "/real/inner/deep"}) {
      struct stat st;
      if (::stat((temp_.path() + name).c_str(), &st) == 0 && st.st_ino == found.inode) return name;
    }
    return "elsewhere";
  }
  testing::AssertionResult refuses(const std::string& path, Links links, const std::string& why = "") {
    return fails_with(
        ErrorKind::unsafe_path, [&] { env_->open_dir(path, links); }, why);
  }

  support::TempDir temp_;
  std::unique_ptr<io::Env> env_ = io::make_posix_env();
};

TEST_F(PosixWalk, OpensFoldersByPath) {
  EXPECT_EQ(where(temp_ / "real/inner", Links::refuse), "/real/inner");
  EXPECT_EQ(where(temp_ / "real//inner///", Links::refuse), "/real/inner");
  EXPECT_EQ(where(temp_ / "./real/./inner/.", Links::refuse), "/real/inner");
  EXPECT_EQ(where(temp_ / "real/inner/../inner/deep/..", Links::refuse), "/real/inner");
  EXPECT_EQ(env_->open_dir("/", Links::refuse)->path(), "/");
  EXPECT_EQ(env_->open_dir("/..", Links::refuse)->status().inode,
            env_->open_dir("/", Links::refuse)->status().inode);
  EXPECT_EQ(env_->open_dir(temp_ / "real/", Links::refuse)->path(), temp_ / "real");
  EXPECT_EQ(env_->open_dir("/", Links::refuse)->open_dir("tmp")->path(), "/tmp");
}

TEST_F(PosixWalk, TakesAbsolutePathsOnly) {
  for (const std::string& path :
       {std::string(), std::string("tmp"), std::string("./x"), std::string("/tmp\0x", 6)}) {
    EXPECT_TRUE(fails_with(ErrorKind::usage, [&] { env_->open_dir(path, Links::refuse); }));
  }
}

TEST_F(PosixWalk, TellsWhatIsInTheWay) {
  support::spill(temp_ / "file", "");
  EXPECT_EQ(::mkfifo((temp_ / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(refuses(temp_ / "file", Links::refuse, "/file': is a plain file, not a folder"));
  EXPECT_TRUE(refuses(temp_ / "file/x", Links::refuse, "/file': is a plain file, not a folder"));
  EXPECT_TRUE(refuses(temp_ / "fifo", Links::administrator, "/fifo': is a FIFO, not a folder"));
  EXPECT_TRUE(fails_with(
      ErrorKind::not_found, [&] { env_->open_dir(temp_ / "none/x", Links::refuse); }, "/none'"));
}

TEST_F(PosixWalk, RefusesEveryLinkUnlessTold) {
  symlink("real", "link");
  symlink("nowhere", "dangling");
  for (const char* path : {"link", "link/inner", "link/..", "dangling", "real/../link/inner"}) {
    EXPECT_TRUE(refuses(temp_ / path, Links::refuse, "is a symbolic link, which is not followed here"))
        << path;
  }
}

class PosixWalkAsRoot : public PosixWalk {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: only root can make links that are trusted";
  }
};

TEST_F(PosixWalkAsRoot, FollowsLinksThatOnlyRootCanHaveMade) {
  symlink("real/inner", "relative");
  symlink(temp_ / "real/inner", "absolute");
  symlink("../..", "real/inner/up");
  symlink("absolute/deep/", "chain");
  symlink("/", "root");
  EXPECT_EQ(where(temp_ / "relative", Links::administrator), "/real/inner");
  EXPECT_EQ(where(temp_ / "absolute", Links::administrator), "/real/inner");
  EXPECT_EQ(where(temp_ / "real/inner/up", Links::administrator), "");
  EXPECT_EQ(where(temp_ / "real/inner/up/relative/deep", Links::administrator), "/real/inner/deep");
  EXPECT_EQ(where(temp_ / "chain", Links::administrator), "/real/inner/deep");
  EXPECT_EQ(where(temp_ / "absolute/..", Links::administrator), "/real") << "back from where the link leads";
  EXPECT_EQ(where(temp_ / "root" + temp_.path(), Links::administrator), "");
  EXPECT_EQ(env_->open_dir(temp_ / "relative", Links::administrator)->path(), temp_ / "relative");
}

TEST_F(PosixWalkAsRoot, RefusesLinksThatOthersCanHaveMade) {
  struct Case {
    const char* what;
    uid_t folder_owner;
    mode_t folder_mode;
    uid_t link_owner;
  };
  for (const Case& c :
       {Case{"folder of another user", 12345, 0755, 0}, Case{"folder for the group", 0, 0775, 0},
        Case{"folder for all", 0, 0757, 0}, Case{"sticky folder for all", 0, 01777, 0},
        Case{"link of another user", 0, 0755, 12345}}) {
    folder("trap");
    symlink("../real", "trap/link");
    EXPECT_EQ(where(temp_ / "trap/link", Links::administrator), "/real") << "sound as it is";
    EXPECT_EQ(::chown((temp_ / "trap").c_str(), c.folder_owner, 0), 0);
    EXPECT_EQ(::chmod((temp_ / "trap").c_str(), c.folder_mode), 0);
    EXPECT_EQ(::lchown((temp_ / "trap/link").c_str(), c.link_owner, 0), 0);
    EXPECT_TRUE(refuses(temp_ / "trap/link", Links::administrator, "others than root could have made"))
        << c.what;
    EXPECT_TRUE(refuses(temp_ / "trap/link/inner", Links::administrator, "/trap/link'")) << c.what;
    std::filesystem::remove_all(temp_ / "trap");
  }
}

TEST_F(PosixWalkAsRoot, RefusesAnUnsafeLinkBehindASafeOne) {
  folder("open");
  symlink("../real", "open/link");
  EXPECT_EQ(::chmod((temp_ / "open").c_str(), 0777), 0);
  symlink("open/link", "safe");
  EXPECT_TRUE(refuses(temp_ / "safe", Links::administrator, "/open/link'"));
}

TEST_F(PosixWalkAsRoot, GivesUpOnLoops) {
  symlink("loop", "loop");
  symlink("pong", "ping");
  symlink("ping/x", "pong");
  EXPECT_TRUE(refuses(temp_ / "loop", Links::administrator, "too many symbolic links"));
  EXPECT_TRUE(refuses(temp_ / "ping", Links::administrator, "too many symbolic links"));
}

TEST_F(PosixWalkAsRoot, FollowsFortyLinksAndNoMore) {
  symlink("real", "l1");
  for (int i = 2; i <= 41; ++i) symlink("l" + std::to_string(i - 1), "l" + std::to_string(i));
  EXPECT_EQ(where(temp_ / "l40", Links::administrator), "/real");
  EXPECT_TRUE(refuses(temp_ / "l41", Links::administrator, "too many symbolic links"));
}

TEST_F(PosixWalkAsRoot, TellsThatALinkLeadsNowhere) {
  symlink("nowhere/x", "dangling");
  EXPECT_TRUE(fails_with(
      ErrorKind::not_found, [&] { env_->open_dir(temp_ / "dangling", Links::administrator); }, "/nowhere'"));
}

}  // namespace
