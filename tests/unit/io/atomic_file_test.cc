#include "io/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/hooked_env.h"
#include "io/posix_env.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

using base::as_bytes;
using base::ErrorKind;
using io::AtomicFile;
using io::Links;
using io::Replace;
using support::fails_with;
using support::slurp;
using support::spill;

const io::Owner self{::geteuid(), ::getegid()};

class AtomicFileTest : public testing::Test {
 protected:
  // A new "f" that holds `content`, up to the rename.
  std::unique_ptr<AtomicFile> sealed(const std::string& content, io::Dir& dir) {
    auto out = std::make_unique<AtomicFile>(dir, "f", *env_);
    out->file().write_full(0, as_bytes(content));
    out->seal(self, 0640);
    return out;
  }

  support::TempDir temp_;
  std::unique_ptr<io::Env> env_ = io::make_posix_env();
  std::unique_ptr<io::Dir> dir_ = env_->open_dir(temp_.path(), Links::refuse);
};

TEST(TemporaryName, IsToldFromAllOthers) {
  const auto env = io::make_posix_env();
  const std::string name = io::temporary_name("Data.fs", *env);
  EXPECT_TRUE(io::is_temporary_name(name)) << name;
  EXPECT_NE(name, io::temporary_name("Data.fs", *env));
  for (const char* good : {".a.dbtools-0123456789abcdef.tmp", ".Data.fs.0.dbtools-ffffffffffffffff.tmp",
                           "..dbtools-0123456789abcdef.tmp.dbtools-0123456789abcdef.tmp"}) {
    EXPECT_TRUE(io::is_temporary_name(good)) << good;
  }
  for (const char* bad : {"", ".", ".tmp", "Data.fs", "Data.fs.tmp", ".dbtools-0123456789abcdef.tmp",
                          "..dbtools-0123456789abcdef.tmp", "a.dbtools-0123456789abcdef.tmp",
                          ".a.dbtools-0123456789abcdeF.tmp", ".a.dbtools-0123456789abcde.tmp",
                          ".a.dbtools-0123456789abcdeg.tmp", ".a.dbtools-0123456789abcdef.tmp2",
                          ".a.dbtools-0123456789abcdef0.tmp", ".a-dbtools-0123456789abcdef.tmp"}) {
    EXPECT_FALSE(io::is_temporary_name(bad)) << bad;
  }
}

TEST_F(AtomicFileTest, AppearsCompleteOrNotAtAll) {
  const auto out = sealed("new", *dir_);
  EXPECT_EQ(dir_->list(), std::vector<std::string>{out->temporary()});
  std::string back(3, '-');
  EXPECT_EQ(out->file().read_full(0, std::as_writable_bytes(std::span(back))), 3U);
  EXPECT_EQ(back, "new") << "may be read back before it counts";
  out->commit(Replace::no);
  EXPECT_EQ(dir_->list(), std::vector<std::string>{"f"});
  EXPECT_EQ(slurp(temp_ / "f"), "new");
  EXPECT_EQ(dir_->status("f")->mode, 0640U);
}

TEST_F(AtomicFileTest, IsPrivateUntilItIsSealed) {
  const mode_t old = ::umask(0);
  AtomicFile out(*dir_, "f", *env_);
  ::umask(old);
  EXPECT_EQ(out.file().status().mode, 0600U);
}

TEST_F(AtomicFileTest, ReplacesOnlyWhenTold) {
  spill(temp_ / "f", "old");
  EXPECT_TRUE(fails_with(
      ErrorKind::exists, [&] { sealed("new", *dir_)->commit(Replace::no); }, "/f'"));
  EXPECT_EQ(slurp(temp_ / "f"), "old");
  sealed("new", *dir_)->commit(Replace::yes);
  EXPECT_EQ(slurp(temp_ / "f"), "new");
  EXPECT_EQ(dir_->list(), std::vector<std::string>{"f"});
}

TEST_F(AtomicFileTest, LeavesNothingWithoutCommit) {
  spill(temp_ / "f", "old");
  sealed("new", *dir_).reset();
  EXPECT_EQ(dir_->list(), std::vector<std::string>{"f"});
  EXPECT_EQ(slurp(temp_ / "f"), "old");
}

TEST_F(AtomicFileTest, MustBeSealedFirst) {
  AtomicFile out(*dir_, "f", *env_);
  EXPECT_TRUE(fails_with(ErrorKind::usage, [&] { out.commit(Replace::yes); }));
  EXPECT_FALSE(dir_->status("f"));
}

TEST_F(AtomicFileTest, SetsTheOwnerBeforeTheMode) {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: only root can give a file away";
  AtomicFile out(*dir_, "f", *env_);
  out.seal({12345, 23456}, 04750);  // a change of owner would take the set-user-id bit away
  out.commit(Replace::yes);
  EXPECT_EQ(dir_->status("f")->owner, (io::Owner{12345, 23456}));
  EXPECT_EQ(dir_->status("f")->mode, 04750U);
}

TEST_F(AtomicFileTest, DoesNotPlaceAFileThatSomebodyPutInItsPlace) {
  const auto out = sealed("mine", *dir_);
  spill(temp_ / "evil", "theirs");
  dir_->rename("evil", *dir_, out->temporary(), Replace::yes);
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { out->commit(Replace::yes); }, "replaced by somebody else"));
  EXPECT_FALSE(dir_->status("f"));
}

TEST_F(AtomicFileTest, SyncsTheFileBeforeTheRenameAndTheFolderAfter) {
  std::vector<std::string> order;
  const auto hooked = io::make_hooked_env(*env_, [&](const io::Operation& operation) {
    if (operation.changes || operation.name == "close") order.emplace_back(operation.name);
    return io::no_limit;
  });
  const auto dir = hooked->open_dir(temp_.path(), Links::refuse);
  replace_file(*dir, "f", as_bytes("new"), self, 0640, *hooked);
  EXPECT_EQ(order, (std::vector<std::string>{"create_file", "write_some", "set_mode", "sync", "close",
                                             "rename", "sync"}));
}

// Whatever fails: the old or the new content under the name, and no temporary left.
TEST_F(AtomicFileTest, KeepsTheOldOrTheNewAtEveryFailure) {
  for (int failing = 0;; ++failing) {
    spill(temp_ / "f", "old");
    int left = failing;
    const auto hooked = io::make_hooked_env(*env_, [&](const io::Operation& operation) {
      if (left-- == 0) throw base::Error::from_errno(std::string(operation.name), operation.path, EIO);
      return io::no_limit;
    });
    bool threw = false, renamed = false;
    try {
      const auto dir = hooked->open_dir(temp_.path(), Links::refuse);
      replace_file(*dir, "f", as_bytes("new"), self, 0640, *hooked);
    } catch (const base::Error& error) {
      threw = true;
      renamed = error.operation() == "sync" && error.path() == temp_.path();
    }
    EXPECT_EQ(dir_->list(), std::vector<std::string>{"f"}) << "after " << failing << " operations";
    EXPECT_EQ(slurp(temp_ / "f"), threw && !renamed ? "old" : "new") << "after " << failing << " operations";
    if (!threw) {
      EXPECT_GT(failing, 7) << "the hook saw the operations";
      break;
    }
  }
}

// The rename happened although an error was reported, as a network file system may do.
TEST_F(AtomicFileTest, LeavesTheNewFileAloneIfTheRenameHappenedAfterAll) {
  std::string temporary;
  const auto hooked = io::make_hooked_env(*env_, [&](const io::Operation& operation) {
    if (operation.name == "rename") {
      dir_->rename(temporary, *dir_, "f", Replace::yes);
      throw base::Error::from_errno("rename", operation.path, EIO);
    }
    return io::no_limit;
  });
  const auto dir = hooked->open_dir(temp_.path(), Links::refuse);
  {
    const auto out = sealed("new", *dir);
    temporary = out->temporary();
    EXPECT_TRUE(fails_with(ErrorKind::io, [&] { out->commit(Replace::yes); }));
  }
  EXPECT_EQ(dir_->list(), std::vector<std::string>{"f"});
  EXPECT_EQ(slurp(temp_ / "f"), "new");
}

TEST(ReplaceFile, WritesWhateverTheSize) {
  support::TempDir temp;
  const auto env = io::make_posix_env();
  const auto dir = env->open_dir(temp.path(), Links::refuse);
  for (const std::size_t size : {0UL, 1UL, 100'000UL}) {
    const std::string content = support::noise(size, 3);
    replace_file(*dir, "f", as_bytes(content), self, 0600, *env);
    EXPECT_EQ(slurp(temp / "f"), content);
  }
}

TEST(ReplaceFile, ReplacesALinkAndNotWhatItLeadsTo) {
  support::TempDir temp;
  const auto env = io::make_posix_env();
  const auto dir = env->open_dir(temp.path(), Links::refuse);
  spill(temp / "target", "old");
  ASSERT_EQ(::symlink("target", (temp / "f").c_str()), 0);
  replace_file(*dir, "f", as_bytes("new"), self, 0600, *env);
  EXPECT_EQ(slurp(temp / "target"), "old");
  EXPECT_EQ(dir->status("f")->type, io::FileType::regular);
}

TEST(ReadSmallFile, ReadsUpToItsLimit) {
  support::TempDir temp;
  const auto env = io::make_posix_env();
  const auto dir = env->open_dir(temp.path(), Links::refuse);
  spill(temp / "f", "12345");
  EXPECT_EQ(read_small_file(*dir, "f", 5), "12345");
  EXPECT_EQ(read_small_file(*dir, "f", 1'000'000), "12345");
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { read_small_file(*dir, "f", 4); }, "larger than 4 bytes"));
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { read_small_file(*dir, "f", 0); }));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { read_small_file(*dir, "none", 5); }));
  spill(temp / "empty", "");
  EXPECT_EQ(read_small_file(*dir, "empty", 0), "");
}

TEST(ReadSmallFile, ReadsFilesThatHideTheirSize) {
  const auto env = io::make_posix_env();
  const auto dir = env->open_dir("/proc/sys/kernel", Links::refuse);
  EXPECT_EQ(read_small_file(*dir, "ostype", 100), "Linux\n");
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { read_small_file(*dir, "ostype", 5); }));
}

TEST(SweepTemporaries, RemovesLeftoversAndNothingElse) {
  support::TempDir temp;
  const auto env = io::make_posix_env();
  const auto dir = env->open_dir(temp.path(), Links::refuse);
  const std::string file = ".f.dbtools-0123456789abcde0.tmp", link = ".f.dbtools-0123456789abcde1.tmp",
                    folder = ".f.dbtools-0123456789abcde2.tmp", to_folder = ".f.dbtools-0123456789abcde3.tmp",
                    fifo = ".f.dbtools-0123456789abcde4.tmp";
  for (const char* other : {"f", ".f.tmp", "f.tmp"}) spill(temp / other, "keep");
  spill(temp / file, "junk");
  ASSERT_EQ(::symlink("f", (temp / link).c_str()), 0);
  dir->make_dir(folder, 0700);
  spill(temp / (folder + "/inner"), "keep");
  ASSERT_EQ(::symlink(folder.c_str(), (temp / to_folder).c_str()), 0);
  ASSERT_EQ(::mkfifo((temp / fifo).c_str(), 0600), 0);
  EXPECT_EQ(sweep_temporaries(*dir, "f"), (std::vector<std::string>{file, link, to_folder}));
  EXPECT_EQ(dir->list(), (std::vector<std::string>{folder, fifo, ".f.tmp", "f", "f.tmp"}));
  EXPECT_EQ(slurp(temp / "f"), "keep");
  EXPECT_EQ(slurp(temp / (folder + "/inner")), "keep");
  EXPECT_TRUE(sweep_temporaries(*dir, "f").empty());
}

TEST(SweepTemporaries, RemovesThoseOfItsOwnNamesOnly) {
  support::TempDir temp;
  const auto env = io::make_posix_env();
  const auto dir = env->open_dir(temp.path(), Links::refuse);
  const std::vector<std::string> ours = {".f.0.dbtools-0123456789abcdef.tmp",
                                         ".f.dbtools-0123456789abcdef.tmp"};
  const std::vector<std::string> others = {".a-f.dbtools-0123456789abcdef.tmp",
                                           ".fs.dbtools-0123456789abcdef.tmp",
                                           ".g.dbtools-0123456789abcdef.tmp"};
  for (const auto& name : ours) spill(temp / name, "");
  for (const auto& name : others) spill(temp / name, "");
  EXPECT_EQ(sweep_temporaries(*dir, "f"), ours);
  EXPECT_EQ(dir->list(), others);
}

}  // namespace
