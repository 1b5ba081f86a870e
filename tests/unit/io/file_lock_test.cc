#include "io/file_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/hooked_env.h"
#include "io/posix_env.h"
#include "support/child.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

using base::ErrorKind;
using io::FileLock;
using io::Links;
using support::fails_with;
using support::slurp;
using support::spill;

// An Env whose sleep_ms() only calls what the test wants to happen meanwhile.
class SleepingEnv : public io::Env {
 public:
  explicit SleepingEnv(std::function<void()> meanwhile) : meanwhile_(std::move(meanwhile)) {}
  unsigned slept_ms = 0;

  std::unique_ptr<io::Dir> open_dir(const std::string& path, Links links) override {
    return real_->open_dir(path, links);
  }
  base::UtcTime now() override { return real_->now(); }
  std::uint64_t random() override { return real_->random(); }
  void sleep_ms(unsigned milliseconds) override {
    slept_ms += milliseconds;
    meanwhile_();
  }
  io::RunResult run(const std::vector<std::string>& argv, unsigned timeout_s) override {
    return real_->run(argv, timeout_s);
  }
  std::int64_t process_id() override { return real_->process_id(); }

 private:
  std::unique_ptr<io::Env> real_ = io::make_posix_env();
  std::function<void()> meanwhile_;
};

class FileLockTest : public testing::Test {
 protected:
  FileLock take(unsigned wait_s = 0) { return FileLock(*dir_, "lock", "test", wait_s, *env_); }

  support::TempDir temp_;
  std::unique_ptr<io::Env> env_ = io::make_posix_env();
  std::unique_ptr<io::Dir> dir_ = env_->open_dir(temp_.path(), Links::refuse);
};

TEST_F(FileLockTest, NamesItsHolderWhileItIsHeld) {
  {
    const FileLock lock = take();
    EXPECT_EQ(slurp(temp_ / "lock"), std::to_string(::getpid()) + " test\n");
    EXPECT_EQ(dir_->status("lock")->mode, 0600U);
    EXPECT_TRUE(is_locked(*dir_, "lock"));
  }
  EXPECT_FALSE(is_locked(*dir_, "lock"));
  EXPECT_EQ(slurp(temp_ / "lock"), "") << "the file stays, without a name in it";
}

TEST_F(FileLockTest, LeavesNothingOfALongerNote) {
  spill(temp_ / "lock", "4711 a killed run with a longer note\n4712 and with another\n");
  const FileLock lock = take();
  EXPECT_EQ(slurp(temp_ / "lock"), std::to_string(::getpid()) + " test\n");
}

TEST_F(FileLockTest, ExcludesOtherProcesses) {
  const FileLock lock = take();
  EXPECT_TRUE(support::passes_in_child([&] {
    EXPECT_TRUE(fails_with(
        ErrorKind::busy, [&] { take(); },
        "lock'" + std::string(": held by pid ") + std::to_string(::getppid()) + " (test)"));
    EXPECT_TRUE(is_locked(*dir_, "lock"));
  }));
}

TEST_F(FileLockTest, EndsWithItsProcess) {
  support::Holder holder([&] { new FileLock(take()); });
  const std::string note = slurp(temp_ / "lock");
  EXPECT_EQ(note, std::to_string(holder.pid()) + " test\n");
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { take(); }, "held by pid " + std::to_string(holder.pid())));
  holder.kill();
  EXPECT_EQ(slurp(temp_ / "lock"), note) << "killed, so it could not clear its note";
  EXPECT_FALSE(is_locked(*dir_, "lock"));
  const FileLock lock = take();
  EXPECT_EQ(slurp(temp_ / "lock"), std::to_string(::getpid()) + " test\n");
}

TEST_F(FileLockTest, IsNotInheritedByChildren) {
  std::string pid;
  {
    const FileLock lock = take();
    pid = env_->run({"/bin/sh", "-c", "sleep 100000 & echo $!"}, 600).output;
  }
  EXPECT_FALSE(is_locked(*dir_, "lock")) << "a daemon keeps it";
  EXPECT_EQ(::kill(std::stoi(pid), 9), 0);
}

TEST_F(FileLockTest, WaitsAsLongAsTold) {
  const FileLock lock = take();
  SleepingEnv env([] {});
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { FileLock(*dir_, "lock", "late", 3, env); }, "held by pid"));
  EXPECT_EQ(env.slept_ms, 3000U);
  env.slept_ms = 0;
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { FileLock(*dir_, "lock", "late", 0, env); }));
  EXPECT_EQ(env.slept_ms, 0U);
}

TEST_F(FileLockTest, TakesItAsSoonAsItIsFree) {
  auto lock = std::make_unique<FileLock>(take());
  SleepingEnv env([&] {
    if (env.slept_ms == 300) lock.reset();
  });
  const FileLock late(*dir_, "lock", "late", 60, env);
  EXPECT_EQ(env.slept_ms, 300U);
  EXPECT_EQ(slurp(temp_ / "lock"), std::to_string(::getpid()) + " late\n");
}

// The lock would be on a file that nobody else can find.
TEST_F(FileLockTest, IsTakenOnTheFileThatHasTheName) {
  bool exchanged = false;
  const auto hooked = io::make_hooked_env(*env_, [&](const io::Operation& operation) {
    if (operation.name == "try_lock" && !exchanged) {
      exchanged = true;
      dir_->remove("lock");
    }
    return io::no_limit;
  });
  const auto dir = hooked->open_dir(temp_.path(), Links::refuse);
  const FileLock lock(*dir, "lock", "test", 1, *hooked);
  EXPECT_TRUE(exchanged);
  EXPECT_TRUE(is_locked(*dir_, "lock"));
}

TEST_F(FileLockTest, ReportsWhateverTheNoteHolds) {
  const struct {
    std::string note, reason;
  } cases[] = {
      {"123 schooltool-db-snapshot\n", ": held by pid 123 (schooltool-db-snapshot)"},
      {"123\n", ": held by pid 123"},
      {"", ": held by another process"},
      {"nobody\n", ": held by another process"},
      {std::string(10'000, '7'), ": held by another process"},
      {"7 a\x1b[2Jb\r\nsecond line", ": held by pid 7 (a\\x1b[2Jb)"},
      {"7 " + std::string(10'000, 'x'), ": held by pid 7 (" + std::string(99, 'x') + ")"},
  };
  const FileLock lock = take();
  for (const auto& c : cases) {
    spill(temp_ / "lock", c.note);
    try {
      take();
      ADD_FAILURE() << "taken twice";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::busy);
      EXPECT_TRUE(std::string(error.what()).ends_with("lock'" + c.reason)) << error.what();
    }
  }
}

TEST_F(FileLockTest, HoldsOnAFullDisk) {
  const auto hooked = io::make_hooked_env(*env_, [](const io::Operation& operation) {
    if (operation.name == "write_some") throw base::Error::from_errno("write", operation.path, ENOSPC);
    return io::no_limit;
  });
  const auto dir = hooked->open_dir(temp_.path(), Links::refuse);
  const FileLock lock(*dir, "lock", "test", 0, *hooked);
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { take(); }, "held by another process"));
}

TEST_F(FileLockTest, MovesWithItsLock) {
  FileLock first = take();
  {
    const FileLock second = std::move(first);
    EXPECT_TRUE(is_locked(*dir_, "lock"));
  }
  EXPECT_FALSE(is_locked(*dir_, "lock"));
}

TEST_F(FileLockTest, RefusesLinksAndFifos) {
  spill(temp_ / "target", "keep");
  ASSERT_EQ(::symlink("target", (temp_ / "link").c_str()), 0);
  ASSERT_EQ(::mkfifo((temp_ / "fifo").c_str(), 0600), 0);
  for (const char* name : {"link", "fifo"}) {
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { FileLock(*dir_, name, "test", 0, *env_); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { is_locked(*dir_, name); }));
  }
  EXPECT_EQ(slurp(temp_ / "target"), "keep");
}

TEST_F(FileLockTest, AnAbsentFileIsNotLocked) {
  EXPECT_FALSE(is_locked(*dir_, "lock"));
  EXPECT_FALSE(dir_->status("lock")) << "and is not made";
}

}  // namespace
