// What the real disk does once in years: a sync that fails, a close that fails, a file system without some
// call, a name that changes hands between two calls. Here stand-ins for the C library's functions say so; the
// linker takes a function of the program before that of the library.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <functional>
#include <optional>

#include "io/atomic_file.h"
#include "io/copy.h"
#include "io/posix_env.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

// The next calls of one function: an errno with which each fails, or kSucceeds.
constexpr int kSucceeds = 0;
constexpr int kNothingDone = -1;  // copy_file_range: copies nothing, and says so

class StandIn {
 public:
  void answer(std::initializer_list<int> next) { next_ = next; }
  // The errno of this call; the real function is to be called if there is none.
  int next() {
    if (next_.empty()) return kSucceeds;
    const int number = next_.front();
    next_.pop_front();
    ++answered_;
    return number;
  }
  int answered() const { return answered_; }

 private:
  std::deque<int> next_;
  int answered_ = 0;
};

struct StandIns {
  StandIn fsync, close, copy_file_range, fallocate, renameat2, linkat, readdir;
  std::function<void()> after_fstatat, after_mkdirat;  // once
  std::optional<struct statvfs> fstatvfs;
} calls;

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool fails(StandIn& stand_in) {
  const int number = stand_in.next();
  if (number > 0) errno = number;
  return number > 0;
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static const auto original = real<int (*)(int)>("fsync");
  return fails(calls.fsync) ? -1 : original(fd);
}

// Closes in any case, as Linux does.
int close(int fd) {
  static const auto original = real<int (*)(int)>("close");
  const bool failing = fails(calls.close);
  const int number = errno;
  const int result = original(fd);
  if (!failing) return result;
  errno = number;
  return -1;
}

ssize_t copy_file_range(int from, off64_t* in, int to, off64_t* out, size_t length, unsigned flags) {
  static const auto original =
      real<ssize_t (*)(int, off64_t*, int, off64_t*, size_t, unsigned)>("copy_file_range");
  const int number = calls.copy_file_range.next();
  if (number == kNothingDone) return 0;
  if (number == kSucceeds) return original(from, in, to, out, length, flags);
  errno = number;
  return -1;
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  static const auto original = real<int (*)(int, int, off_t, off_t)>("fallocate64");
  return fails(calls.fallocate) ? -1 : original(fd, mode, offset, length);
}

int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) noexcept {
  static const auto original = real<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  return fails(calls.renameat2) ? -1 : original(from_dir, from, to_dir, to, flags);
}

int linkat(int from_dir, const char* from, int to_dir, const char* to, int flags) noexcept {
  static const auto original = real<int (*)(int, const char*, int, const char*, int)>("linkat");
  return fails(calls.linkat) ? -1 : original(from_dir, from, to_dir, to, flags);
}

int mkdirat(int dir, const char* name, mode_t mode) noexcept {
  static const auto original = real<int (*)(int, const char*, mode_t)>("mkdirat");
  const int result = original(dir, name, mode);
  if (calls.after_mkdirat) std::exchange(calls.after_mkdirat, nullptr)();
  return result;
}

int fstatvfs(int fd, struct statvfs* status) noexcept {
  static const auto original = real<int (*)(int, struct statvfs*)>("fstatvfs64");
  if (!calls.fstatvfs) return original(fd, status);
  *status = *calls.fstatvfs;
  return 0;
}

dirent* readdir(DIR* stream) {
  static const auto original = real<dirent* (*)(DIR*)>("readdir64");
  return fails(calls.readdir) ? nullptr : original(stream);
}

int fstatat(int dir, const char* name, struct stat* status, int flags) noexcept {
  static const auto original = real<int (*)(int, const char*, struct stat*, int)>("fstatat64");
  const int result = original(dir, name, status, flags);
  if (calls.after_fstatat) std::exchange(calls.after_fstatat, nullptr)();
  return result;
}

}  // extern "C"

namespace {

using base::as_bytes;
using base::ErrorKind;
using io::Access;
using io::Links;
using io::Replace;
using support::fails_with;
using support::slurp;
using support::spill;

class PosixFailures : public testing::Test {
 protected:
  void SetUp() override {
    calls = {};
    ::alarm(300);  // whatever waits for ever ends here
  }
  void TearDown() override {
    ::alarm(0);
    calls = {};
  }

  support::TempDir temp_;
  std::unique_ptr<io::Env> env_ = io::make_posix_env();
  std::unique_ptr<io::Dir> dir_ = env_->open_dir(temp_.path(), Links::refuse);
};

TEST_F(PosixFailures, ASyncThatFailedOnceNeverSucceedsAgain) {
  const auto file = dir_->create_file("f", 0600);
  calls.fsync.answer({EIO});
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { file->sync(); }, "Input/output error"));
  // The kernel would say yes now, though what was lost stays lost.
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { file->sync(); }, "Input/output error"));
}

TEST_F(PosixFailures, CallsThatASignalInterruptedAreMadeAgain) {
  const auto file = dir_->create_file("f", 0600);
  calls.fsync.answer({EINTR, EINTR});
  file->sync();
  EXPECT_EQ(calls.fsync.answered(), 2);
  calls.fallocate.answer({EINTR});
  file->reserve(1000);
  EXPECT_EQ(calls.fallocate.answered(), 1);
}

TEST_F(PosixFailures, ACloseThatFailsIsToldAndNotRepeated) {
  for (const int number : {EIO, ENOSPC, EDQUOT}) {
    const auto file = dir_->create_file("f", 0600);
    calls.close.answer({number});
    EXPECT_TRUE(fails_with(
        number == EIO ? ErrorKind::io : ErrorKind::no_space, [&] { file->close(); }, "close"));
    file->close();  // nothing left to close: the number may be another file's by now
    dir_->remove("f");
  }
  const auto file = dir_->create_file("f", 0600);
  calls.close.answer({EINTR});
  file->close();  // closed all the same
}

TEST_F(PosixFailures, AReplacementWhoseCloseFailsLeavesTheOldFile) {
  spill(temp_ / "f", "old");
  {
    io::AtomicFile out(*dir_, "f", *env_);
    out.file().write_full(0, as_bytes("new"));
    out.seal(dir_->status().owner, 0600);
    calls.close.answer({EIO});
    EXPECT_TRUE(fails_with(
        ErrorKind::io, [&] { out.commit(Replace::yes); }, "close"));
  }
  EXPECT_EQ(slurp(temp_ / "f"), "old");
  EXPECT_EQ(dir_->list(), std::vector<std::string>{"f"});
}

TEST_F(PosixFailures, AFolderThatCannotBeSyncedIsToldIfThatMeansSomething) {
  calls.fsync.answer({EIO});
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { dir_->sync(); }, "sync"));
  calls.fsync.answer({EINVAL});
  dir_->sync();  // a file system that has no such thing
  EXPECT_EQ(calls.fsync.answered(), 2);
}

TEST_F(PosixFailures, ACopyGoesThroughABufferWhereTheKernelCannotOrGivesUp) {
  spill(temp_ / "a", "0123456789");
  const auto source = dir_->open_file("a", Access::read);
  for (const int number : {EXDEV, ENOSYS, EINVAL, EOPNOTSUPP, EPERM, kNothingDone}) {
    const auto target = dir_->create_file("b", 0600);
    calls.copy_file_range.answer({number});
    EXPECT_EQ(target->copy_some(*source, 2, 0, 100), 8u) << number;
    EXPECT_EQ(slurp(temp_ / "b"), "23456789") << number;
    dir_->remove("b");
  }
  const auto target = dir_->create_file("b", 0600);
  for (const int number : {EIO, ENOSPC}) {
    calls.copy_file_range.answer({number});
    EXPECT_TRUE(fails_with(
        number == EIO ? ErrorKind::io : ErrorKind::no_space, [&] { target->copy_some(*source, 0, 0, 100); },
        "copy to"));
  }
}

TEST_F(PosixFailures, WhereNothingCanBeReservedThatIsNoError) {
  const auto file = dir_->create_file("f", 0600);
  for (const int number : {EOPNOTSUPP, ENOSYS}) {
    calls.fallocate.answer({number});
    file->reserve(1000);
  }
  for (const int number : {ENOSPC, EIO}) {
    calls.fallocate.answer({number});
    EXPECT_TRUE(fails_with(
        number == EIO ? ErrorKind::io : ErrorKind::no_space, [&] { file->reserve(1000); }, "reserve"));
  }
}

TEST_F(PosixFailures, ARenameThatCannotRefuseToReplaceIsALinkThatDoes) {
  for (const int number : {EINVAL, ENOSYS}) {
    spill(temp_ / "from", "mine");
    calls.renameat2.answer({number});
    dir_->rename("from", *dir_, "to", Replace::no);
    EXPECT_EQ(slurp(temp_ / "to"), "mine");
    EXPECT_EQ(dir_->list(), std::vector<std::string>{"to"});

    spill(temp_ / "from", "another");
    calls.renameat2.answer({number});
    EXPECT_TRUE(fails_with(
        ErrorKind::exists, [&] { dir_->rename("from", *dir_, "to", Replace::no); }, temp_ / "to"));
    EXPECT_EQ(slurp(temp_ / "to"), "mine");
    EXPECT_EQ(slurp(temp_ / "from"), "another");
    dir_->remove("to");
  }
  calls.renameat2.answer({EIO});
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { dir_->rename("from", *dir_, "to", Replace::no); }));
  EXPECT_EQ(slurp(temp_ / "from"), "another");
}

// Linking an open descriptor is root's right; everybody may go through /proc.
TEST_F(PosixFailures, AnOpenFileIsLinkedThroughProcIfNotByItsDescriptor) {
  spill(temp_ / "f", "mine");
  const auto file = dir_->open_file("f", Access::read);
  calls.linkat.answer({ENOENT});
  dir_->link(*file, "g");
  EXPECT_EQ(calls.linkat.answered(), 1);
  EXPECT_TRUE(dir_->status("g")->same_file(file->status()));
  for (const int number : {EPERM, EMLINK, EXDEV}) {
    calls.linkat.answer({number});
    EXPECT_TRUE(fails_with(
        ErrorKind::io, [&] { dir_->link(*file, "h"); }, "link"));
  }
}

TEST_F(PosixFailures, WhatOnlyRootMayFillIsNotFree) {
  struct statvfs disk {};
  disk.f_bsize = 1 << 20;
  disk.f_frsize = 4096;
  disk.f_blocks = 100;
  disk.f_bfree = 30;
  disk.f_bavail = 20;
  calls.fstatvfs = disk;
  EXPECT_EQ(dir_->space().free, 20u * 4096);
  EXPECT_EQ(dir_->space().total, 100u * 4096);
}

TEST_F(PosixFailures, AFolderOfAnotherOwnerInPlaceOfTheOneJustMadeIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: only root can give a folder away";
  calls.after_mkdirat = [&] {
    ASSERT_EQ(::rmdir((temp_ / "d").c_str()), 0);
    ASSERT_EQ(::mkdir((temp_ / "d").c_str(), 0700), 0);
    ASSERT_EQ(::chmod((temp_ / "d").c_str(), 0750), 0);
    ASSERT_EQ(::chown((temp_ / "d").c_str(), 23456, 23456), 0);
  };
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { dir_->make_dir("d", 0700); }, "replaced by somebody else"));
  EXPECT_EQ(dir_->status("d")->mode, 0750u);
}

TEST_F(PosixFailures, AFolderThatCannotBeReadToItsEndIsNotShort) {
  spill(temp_ / "a", "");
  spill(temp_ / "b", "");
  calls.readdir.answer({kSucceeds, kSucceeds, EIO});
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { dir_->list(); }, "list"));
}

// What counts is what was opened, not what stood there a moment before.
TEST_F(PosixFailures, ANameThatChangesHandsBetweenTheLookAndTheOpeningIsRefused) {
  const std::string name = temp_ / "f";
  const auto becomes = [&](const std::function<int()>& make) {
    spill(name, "a plain file");
    calls.after_fstatat = [&name, make] {
      ::unlink(name.c_str());
      EXPECT_EQ(make(), 0);
    };
  };
  becomes([&] { return ::mkfifo(name.c_str(), 0600); });
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { dir_->open_file("f", Access::read); }, "is a FIFO"));
  ::unlink(name.c_str());
  becomes([&] { return ::symlink("/etc/passwd", name.c_str()); });
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { dir_->open_file("f", Access::read); }));
  ::unlink(name.c_str());
  becomes([&] { return ::mkdir(name.c_str(), 0700); });
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { dir_->open_file("f", Access::read); }, "is a folder"));
  ::rmdir(name.c_str());
}

// The same on the way to a folder.
TEST_F(PosixFailures, AFolderThatBecomesALinkOnTheWayIsRefused) {
  ASSERT_EQ(::mkdir((temp_ / "way").c_str(), 0700), 0);
  for (const Links links : {Links::refuse, Links::administrator}) {
    const std::string path = temp_ / "way";
    std::size_t looks = 0;
    // The last of the looks is at the last component.
    for (const char c : path) looks += c == '/' ? 1u : 0u;
    const std::function<void()> look = [&] {
      if (--looks > 0) {
        calls.after_fstatat = look;
        return;
      }
      ASSERT_EQ(::rmdir(path.c_str()), 0);
      ASSERT_EQ(::symlink("/etc", path.c_str()), 0);
    };
    calls.after_fstatat = look;
    EXPECT_TRUE(fails_with(
        ErrorKind::unsafe_path, [&] { env_->open_dir(path, links); }, "was replaced"));
    ::unlink(path.c_str());
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  }
}

}  // namespace
