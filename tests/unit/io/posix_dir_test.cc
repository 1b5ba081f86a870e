// Open folders of the POSIX environment, and the traps that may lie in them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "io/posix_env.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

using base::as_bytes;
using base::ErrorKind;
using io::Access;
using io::FileType;
using io::Links;
using io::Replace;
using support::fails_with;
using support::slurp;
using support::spill;

class UmaskGuard {
 public:
  explicit UmaskGuard(mode_t mask) : old_(::umask(mask)) {}
  ~UmaskGuard() { ::umask(old_); }

 private:
  mode_t old_;
};

class PosixDir : public testing::Test {
 protected:
  void symlink(const std::string& target, const std::string& name) {
    ASSERT_EQ(::symlink(target.c_str(), (temp_ / name).c_str()), 0);
  }
  void fifo(const std::string& name) { ASSERT_EQ(::mkfifo((temp_ / name).c_str(), 0600), 0); }
  void folder(const std::string& name) { ASSERT_EQ(::mkdir((temp_ / name).c_str(), 0755), 0); }
  void socket(const std::string& name) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (temp_ / name).copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
  }
  std::string content(io::File& file) {
    std::string text(file.status().size, '\0');
    file.read_full(0, std::as_writable_bytes(std::span(text)));
    return text;
  }

  support::TempDir temp_;
  std::unique_ptr<io::Env> env_ = io::make_posix_env();
  std::unique_ptr<io::Dir> dir_ = env_->open_dir(temp_.path(), Links::refuse);
};

TEST_F(PosixDir, OpensPlainFiles) {
  spill(temp_ / "f", "abc");
  EXPECT_EQ(content(*dir_->open_file("f", Access::read)), "abc");
  dir_->open_file("f", Access::read_write)->write_full(1, as_bytes("X"));
  EXPECT_EQ(slurp(temp_ / "f"), "aXc");
  EXPECT_TRUE(fails_with(
      ErrorKind::not_found, [&] { dir_->open_file("none", Access::read); }, "open '" + temp_ / "none" + "'"));
}

TEST_F(PosixDir, RefusesEverythingThatIsNotAPlainFile) {
  spill(temp_ / "f", "abc");
  symlink("f", "link");
  symlink("nowhere", "dangling");
  symlink("loop", "loop");
  fifo("fifo");
  folder("folder");
  socket("socket");
  const struct {
    const char *name, *reason;
  } cases[] = {
      {"link", "is a symbolic link, not a plain file"},
      {"dangling", "is a symbolic link"},
      {"loop", "is a symbolic link"},
      {"fifo", "is a FIFO, not a plain file"},
      {"folder", "is a folder, not a plain file"},
      {"socket", "is a socket, not a plain file"},
  };
  for (const auto& c : cases) {
    for (const Access access : {Access::read, Access::read_write}) {
      EXPECT_TRUE(fails_with(
          ErrorKind::unsafe_path, [&] { dir_->open_file(c.name, access); }, c.reason));
    }
  }
  const auto dev = env_->open_dir("/dev", Links::refuse);
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { dev->open_file("null", Access::read_write); },
      "is a device, not a plain file"));
}

TEST_F(PosixDir, TakesNothingButPlainNames) {
  folder("sub");
  spill(temp_ / "sub/f", "abc");
  const std::string names[] = {"", ".", "..", "sub/f", "/etc/passwd", "sub/", std::string("a\0b", 3), "../x"};
  for (const std::string& name : names) {
    const auto refused = [&](auto action) { return fails_with(ErrorKind::unsafe_path, action); };
    EXPECT_TRUE(refused([&] { dir_->open_file(name, Access::read); })) << name;
    EXPECT_TRUE(refused([&] { dir_->create_file(name, 0600); })) << name;
    EXPECT_TRUE(refused([&] { dir_->open_dir(name); })) << name;
    EXPECT_TRUE(refused([&] { dir_->make_dir(name, 0700); })) << name;
    EXPECT_TRUE(refused([&] { dir_->status(name); })) << name;
    EXPECT_TRUE(refused([&] { dir_->remove(name); })) << name;
    EXPECT_TRUE(refused([&] { dir_->remove_dir(name); })) << name;
    EXPECT_TRUE(refused([&] { dir_->rename(name, *dir_, "x", Replace::yes); })) << name;
    EXPECT_TRUE(refused([&] { dir_->rename("sub", *dir_, name, Replace::yes); })) << name;
    EXPECT_TRUE(refused([&] { dir_->link(*dir_->open_dir("sub")->open_file("f", Access::read), name); }))
        << name;
  }
  EXPECT_EQ(dir_->list(), std::vector<std::string>{"sub"});
}

TEST_F(PosixDir, CreatesFilesOfTheExactMode) {
  const struct {
    mode_t mask;
    std::uint32_t mode;
  } cases[] = {{077, 0644}, {0, 0600}, {022, 0666}, {0777, 0640}, {022, 02750}, {0, 0}};
  unsigned number = 0;
  for (const auto& c : cases) {
    const UmaskGuard guard(c.mask);
    const std::string name = "f" + std::to_string(number++);
    EXPECT_EQ(dir_->create_file(name, c.mode)->status().mode, c.mode);
  }
}

TEST_F(PosixDir, CreatesOnlyWhereNothingIs) {
  spill(temp_ / "f", "abc");
  symlink("target", "dangling");
  fifo("fifo");
  folder("folder");
  for (const char* name : {"f", "dangling", "fifo", "folder"}) {
    EXPECT_TRUE(fails_with(
        ErrorKind::exists, [&] { dir_->create_file(name, 0600); }, name));
  }
  EXPECT_EQ(slurp(temp_ / "f"), "abc");
  EXPECT_FALSE(dir_->status("target")) << "created through the link";
}

TEST_F(PosixDir, OpensFoldersButNoLinks) {
  folder("folder");
  symlink("folder", "link");
  spill(temp_ / "f", "");
  fifo("fifo");
  EXPECT_EQ(dir_->open_dir("folder")->path(), temp_ / "folder");
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { dir_->open_dir("link"); }, "is a symbolic link, not a folder"));
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { dir_->open_dir("f"); }, "is a plain file, not a folder"));
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { dir_->open_dir("fifo"); }, "is a FIFO, not a folder"));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { dir_->open_dir("none"); }));
}

TEST_F(PosixDir, MakesFoldersOfTheExactMode) {
  {
    const UmaskGuard guard(077);
    dir_->make_dir("open", 0755);
  }
  {
    const UmaskGuard guard(0);
    dir_->make_dir("private", 0700);
  }
  EXPECT_EQ(dir_->status("open")->mode, 0755U);
  EXPECT_EQ(dir_->status("private")->mode, 0700U);
  EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { dir_->make_dir("open", 0700); }));
  EXPECT_EQ(dir_->status("open")->mode, 0755U);
}

TEST_F(PosixDir, TellsTheStatusOfTheNameItself) {
  spill(temp_ / "f", "abc");
  symlink("f", "link");
  fifo("fifo");
  socket("socket");
  EXPECT_EQ(dir_->status("f")->type, FileType::regular);
  EXPECT_EQ(dir_->status("f")->size, 3U);
  EXPECT_EQ(dir_->status("link")->type, FileType::symlink);
  EXPECT_EQ(dir_->status("fifo")->type, FileType::fifo);
  EXPECT_EQ(dir_->status("socket")->type, FileType::socket);
  EXPECT_EQ(dir_->status("none"), std::nullopt);
  EXPECT_EQ(dir_->status().type, FileType::directory);
  EXPECT_EQ(env_->open_dir("/dev", Links::refuse)->status("null")->type, FileType::char_device);
}

TEST_F(PosixDir, ListsAllNamesSorted) {
  for (const char* name : {"b", "B", ".hidden", "caf\xe9", "a b", "\n"}) spill(temp_ / name, "");
  folder("c");
  symlink("nowhere", "d");
  const std::vector<std::string> expected = {"\n", ".hidden", "B", "a b", "b", "c", "caf\xe9", "d"};
  EXPECT_EQ(dir_->list(), expected);
  EXPECT_EQ(dir_->list(), expected) << "a second time";
}

TEST_F(PosixDir, RenamesAndReplaces) {
  spill(temp_ / "a", "new");
  spill(temp_ / "b", "old");
  dir_->rename("a", *dir_, "b", Replace::yes);
  EXPECT_EQ(dir_->list(), std::vector<std::string>{"b"});
  EXPECT_EQ(slurp(temp_ / "b"), "new");
  EXPECT_TRUE(fails_with(
      ErrorKind::not_found, [&] { dir_->rename("a", *dir_, "c", Replace::yes); }, "/a'"));
}

TEST_F(PosixDir, RenamesWithoutReplacing) {
  spill(temp_ / "a", "new");
  spill(temp_ / "b", "old");
  symlink("nowhere", "link");
  for (const char* taken : {"b", "link"}) {
    EXPECT_TRUE(fails_with(
        ErrorKind::exists, [&] { dir_->rename("a", *dir_, taken, Replace::no); }, taken));
  }
  EXPECT_EQ(slurp(temp_ / "a"), "new");
  EXPECT_EQ(slurp(temp_ / "b"), "old");
  dir_->rename("a", *dir_, "c", Replace::no);
  EXPECT_EQ(slurp(temp_ / "c"), "new");
  EXPECT_FALSE(dir_->status("a"));
}

TEST_F(PosixDir, RenamesIntoAnotherFolder) {
  folder("sub");
  spill(temp_ / "f", "abc");
  const auto sub = dir_->open_dir("sub");
  dir_->rename("f", *sub, "g", Replace::no);
  EXPECT_EQ(slurp(temp_ / "sub/g"), "abc");
  sub->rename("g", *dir_, "f", Replace::yes);
  EXPECT_EQ(slurp(temp_ / "f"), "abc");
  dir_->rename("sub", *dir_, "moved", Replace::no);
  EXPECT_EQ(dir_->status("moved")->type, FileType::directory);
}

TEST_F(PosixDir, LinksTheOpenFileAndNotItsName) {
  spill(temp_ / "f", "mine");
  spill(temp_ / "evil", "theirs");
  const auto file = dir_->open_file("f", Access::read);
  ASSERT_EQ(::rename((temp_ / "evil").c_str(), (temp_ / "f").c_str()), 0);
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { dir_->link(*file, "late"); })) << "no name is left";

  spill(temp_ / "g", "mine");
  const auto other = dir_->open_file("g", Access::read);
  ASSERT_EQ(::rename((temp_ / "g").c_str(), (temp_ / "moved").c_str()), 0);
  spill(temp_ / "g", "theirs");
  dir_->link(*other, "kept");
  EXPECT_EQ(slurp(temp_ / "kept"), "mine");
  EXPECT_TRUE(dir_->status("kept")->same_file(other->status()));
  EXPECT_EQ(other->status().links, 2U);
  EXPECT_TRUE(fails_with(
      ErrorKind::exists, [&] { dir_->link(*other, "kept"); }, "kept"));
}

TEST_F(PosixDir, RemovesNames) {
  spill(temp_ / "f", "abc");
  symlink("f", "link");
  fifo("fifo");
  folder("folder");
  spill(temp_ / "folder/f", "");
  dir_->remove("link");
  EXPECT_TRUE(dir_->status("f"));
  dir_->remove("fifo");
  dir_->remove("f");
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { dir_->remove("f"); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { dir_->remove("folder"); }));
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { dir_->remove_dir("folder"); }, "not empty"));
  dir_->open_dir("folder")->remove("f");
  dir_->remove_dir("folder");
  EXPECT_TRUE(dir_->list().empty());
}

TEST_F(PosixDir, ChangesItsModeAndOwner) {
  folder("sub");
  const auto sub = dir_->open_dir("sub");
  sub->set_mode(0711);
  EXPECT_EQ(sub->status().mode, 0711U);
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: only root can give a folder away";
  sub->set_owner({12345, 23456});
  EXPECT_EQ(dir_->status("sub")->owner, (io::Owner{12345, 23456}));
}

TEST_F(PosixDir, SyncsAndKnowsItsSpace) {
  dir_->sync();
  const io::Space space = dir_->space();
  EXPECT_GT(space.total, 0U);
  EXPECT_LE(space.free, space.total);
}

TEST_F(PosixDir, StaysTheSameFolderWhereverItsNameGoes) {
  folder("sub");
  const auto sub = dir_->open_dir("sub");
  ASSERT_EQ(::rename((temp_ / "sub").c_str(), (temp_ / "away").c_str()), 0);
  folder("sub");
  sub->create_file("f", 0600);
  EXPECT_EQ(::access((temp_ / "away/f").c_str(), F_OK), 0);
  EXPECT_NE(::access((temp_ / "sub/f").c_str(), F_OK), 0);
}

// Somebody exchanges the file for a link, a FIFO and back all the time: whatever is opened is a plain file of
// this folder, and no open waits.
TEST_F(PosixDir, IsNotFooledByExchangedNames) {
  support::TempDir outside;
  spill(outside / "secret", "secret");
  for (const bool use_fifo : {false, true}) {
    spill(temp_ / "f", "mine");
    if (use_fifo) {
      fifo("trap");
    } else {
      symlink(outside / "secret", "trap");
    }
    std::atomic<bool> stop{false};
    std::thread swapper([&] {
      while (!stop) {
        ::renameat2(AT_FDCWD, (temp_ / "f").c_str(), AT_FDCWD, (temp_ / "trap").c_str(), RENAME_EXCHANGE);
      }
    });
    unsigned opened = 0, refused = 0;
    for (unsigned i = 0; i < 100'000 && (i < 5'000 || opened == 0 || refused == 0); ++i) {
      try {
        ASSERT_EQ(content(*dir_->open_file("f", Access::read)), "mine");
        ++opened;
      } catch (const base::Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::unsafe_path) << error.what();
        ++refused;
      }
    }
    stop = true;
    swapper.join();
    EXPECT_GT(opened, 0U);
    EXPECT_GT(refused, 0U);
    dir_->remove("trap");
    dir_->remove("f");
  }
}

}  // namespace
