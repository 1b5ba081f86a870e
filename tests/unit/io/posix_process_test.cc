// Child processes of the POSIX environment.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "io/posix_env.h"
#include "support/child.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

using base::ErrorKind;
using support::fails_with;

constexpr unsigned kLong = 600;  // seconds: never reached unless something hangs

class PosixProcess : public testing::Test {
 protected:
  io::RunResult run(const std::vector<std::string>& argv, unsigned timeout_s = kLong) {
    return env_->run(argv, timeout_s);
  }
  io::RunResult sh(const std::string& script, unsigned timeout_s = kLong) {
    return run({"/bin/sh", "-c", script}, timeout_s);
  }
  std::unique_ptr<io::Env> env_ = io::make_posix_env();
};

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator list("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(list), end(list)));
}

// Waits for the end of a process that is nobody's child of ours: killed, but perhaps not yet gone.
bool ends(const std::string& pid) {
  for (int i = 0; i < 3000; ++i) {
    std::ifstream in("/proc/" + pid + "/stat");
    std::string id, name, state;
    if (!(in >> id >> name >> state) || state == "Z") return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST_F(PosixProcess, CollectsStatusAndOutput) {
  const io::RunResult result = sh("echo out; echo err >&2; echo more; exit 3");
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_EQ(result.output, "out\nerr\nmore\n");
  EXPECT_EQ(run({"/bin/true"}).exit_status, 0);
  EXPECT_EQ(run({"/bin/echo", "a b", "$HOME", "*"}).output, "a b $HOME *\n") << "no shell";
}

TEST_F(PosixProcess, TellsDeathBySignal) {
  EXPECT_EQ(sh("kill -TERM $$").exit_status, 128 + SIGTERM);
  EXPECT_EQ(sh("kill -KILL $$").exit_status, 128 + SIGKILL);
}

TEST_F(PosixProcess, TellsWhatCannotBeStarted) {
  support::TempDir temp;
  support::spill(temp / "plain", "not a program");
  const io::RunResult missing = run({temp / "none"});
  EXPECT_EQ(missing.exit_status, 127);
  EXPECT_EQ(missing.output, "run '" + temp / "none" + "': No such file or directory");
  EXPECT_EQ(run({temp / "plain"}).exit_status, 127);
  EXPECT_EQ(run({temp.path()}).exit_status, 127);
}

TEST_F(PosixProcess, TakesAbsolutePathsOnly) {
  EXPECT_TRUE(fails_with(
      ErrorKind::usage, [&] { run({"true"}); }, "'true'"));
  EXPECT_TRUE(fails_with(ErrorKind::usage, [&] { run({}); }));
}

TEST_F(PosixProcess, KillsTheWholeGroupWhenTheTimeIsUp) {
  support::TempDir temp;
  // The shell and a grandchild that both ignore polite signals. The timeout must leave them time to write the
  // number.
  const io::RunResult result = sh(
      "trap '' TERM HUP; sleep 100000 & echo $! > " + temp / "pid" + "; echo started; wait; sleep 100000", 2);
  EXPECT_EQ(result.exit_status, 124);
  EXPECT_EQ(result.output, "started\n");
  EXPECT_TRUE(ends(std::string(base::trimmed(support::slurp(temp / "pid")))));
}

TEST_F(PosixProcess, TimesOutAlsoWhenTheOutputWasClosed) {
  EXPECT_EQ(sh("exec >&- 2>&-; sleep 100000", 1).exit_status, 124);
}

TEST_F(PosixProcess, WaitsForAProgramThatClosesItsOutput) {
  EXPECT_EQ(sh("exec >&- 2>&-; exit 5").exit_status, 5);
}

TEST_F(PosixProcess, KeepsTheFirstPartOfALongOutput) {
  const io::RunResult result = sh("echo first; head -c 3000000 /dev/zero | tr '\\0' x; exit 4");
  EXPECT_EQ(result.exit_status, 4);
  EXPECT_EQ(result.output, "first\n" + std::string(64 * 1024 - 6, 'x'));
}

TEST_F(PosixProcess, DoesNotWaitForADaemonThatKeepsThePipe) {
  const io::RunResult result = sh("sleep 100000 & echo $!");
  EXPECT_EQ(result.exit_status, 0);
  const std::string pid(base::trimmed(result.output));
  EXPECT_EQ(::kill(std::stoi(pid), SIGKILL), 0) << "the daemon was to be left running";
}

TEST_F(PosixProcess, DoesNotListenForEverToADaemonThatKeepsWriting) {
  const io::RunResult result = sh("yes & echo $! >&2; exit 6");
  EXPECT_EQ(result.exit_status, 6);
  EXPECT_LE(result.output.size(), 64U * 1024);
}

TEST_F(PosixProcess, GivesAReducedEnvironment) {
  ASSERT_TRUE(support::passes_in_child([&] {
    ::clearenv();
    ::setenv("PATH", "/usr/bin:/bin", 1);
    ::setenv("HOME", "/root", 1);
    ::setenv("DPKG_MAINTSCRIPT_PACKAGE", "schooltool", 1);
    ::setenv("LC_ALL", "de_DE.UTF-8", 1);
    ::setenv("LD_PRELOAD", "", 1);
    ::setenv("PATHOLOGY", "x", 1);
    std::vector<std::string> lines = base::split(run({"/usr/bin/env"}).output, '\n');
    std::sort(lines.begin(), lines.end());
    EXPECT_EQ(lines, (std::vector<std::string>{"", "DPKG_MAINTSCRIPT_PACKAGE=schooltool", "HOME=/root",
                                               "LC_ALL=C", "PATH=/usr/bin:/bin"}));
    ::clearenv();
    EXPECT_NE(run({"/usr/bin/env"}).output.find("PATH=/"), std::string::npos) << "a path even without one";
  }));
}

TEST_F(PosixProcess, GivesNothingElseToTheChild) {
  const int leak = ::open("/dev/null", O_RDONLY);  // inheritable, as a careless parent's may be
  const int high = ::fcntl(leak, F_DUPFD, 200);
  EXPECT_EQ(run({"/bin/ls", "/proc/self/fd"}).output, "0\n1\n2\n3\n") << "3 is the listing itself";
  EXPECT_EQ(run({"/bin/cat"}).output, "") << "standard input is empty";
  EXPECT_EQ(run({"/bin/pwd"}).output, "/\n");
  EXPECT_EQ(sh("test \"$(ps -o pgid= -p $$ | tr -d ' ')\" = $$").exit_status, 0) << "a group of its own";
  ::close(leak);
  ::close(high);
}

TEST_F(PosixProcess, GivesFreshSignalDispositions) {
  EXPECT_TRUE(support::passes_in_child([&] {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    const std::string status = run({"/bin/cat", "/proc/self/status"}).output;
    // Signals 1 to 31; the two that follow belong to libc.
    const auto signals = [&](const std::string& field) {
      return std::stoull(status.substr(status.find(field + ":") + field.size() + 1), nullptr, 16) &
             0x7fffffff;
    };
    EXPECT_EQ(signals("SigBlk"), 0U);
    EXPECT_EQ(signals("SigIgn"), 0U);
    EXPECT_NE(status.find("SigIgn:"), std::string::npos);
  }));
}

TEST_F(PosixProcess, CollectsTheStatusEvenIfChildrenWereIgnored) {
  EXPECT_TRUE(support::passes_in_child([&] {
    ::signal(SIGCHLD, SIG_IGN);
    EXPECT_EQ(sh("exit 7").exit_status, 7);
  }));
}

TEST_F(PosixProcess, WorksWithoutStandardStreams) {
  EXPECT_TRUE(support::passes_in_child([&] {
    for (const int fd : {0, 1, 2}) ::close(fd);
    const io::RunResult result = sh("echo out; echo err >&2; cat");
    EXPECT_EQ(result.exit_status, 0);
    EXPECT_EQ(result.output, "out\nerr\n");
  }));
}

TEST_F(PosixProcess, LeavesNoDescriptorsAndNoZombies) {
  const std::size_t before = open_descriptors();
  run({"/bin/true"});
  run({"/nonexistent"});
  sh("sleep 100000", 0);
  sh("exec >&- 2>&-");
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was not collected";
}

}  // namespace
