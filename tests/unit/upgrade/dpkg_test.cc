#include "upgrade/dpkg.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/mem_env.h"
#include "upgrade/settings.h"

namespace upgrade {
namespace {

TEST(GuardedPackage, MatchesPatternsWithStars) {
  const struct {
    const char* name;
    std::vector<std::string> patterns;
    bool guarded;
  } cases[] = {{"schooltool", {"schooltool"}, true},
               {"schooltool2", {"schooltool"}, false},
               {"schooltool", {}, false},
               {"schooltool-gradebook", {"schooltool-*"}, true},
               {"schooltool-", {"schooltool-*"}, true},
               {"schooltool", {"schooltool-*"}, false},
               {"python3-schooltool", {"x", "python3-schooltool*"}, true},
               {"python-schooltool.gradebook", {"python-schooltool*"}, true},
               {"anything", {"*"}, true},
               {"abcabcd", {"*abcd"}, true},
               {"aXbXc", {"a*b*c"}, true},
               {"aXbX", {"a*b*c"}, false},
               {"ab", {"a**b"}, true},
               {"a?b", {"a?b"}, true},
               {"axb", {"a?b"}, false},
               {"a", {"[a]"}, false},
               {"", {"*"}, true},
               {"a", {""}, false}};
  for (const auto& one : cases) {
    EXPECT_EQ(is_guarded_package(one.name, one.patterns), one.guarded) << one.name;
  }
}

TEST(GuardedPackage, IsNeverOurOwn) {
  for (const char* own : {"schooltool-dbtools", "schooltool-dbtools-guard", "schooltool-dbtools-dbgsym",
                          "dh-schooltool-dbtools"}) {
    EXPECT_FALSE(is_guarded_package(own, {"*"})) << own;
    EXPECT_FALSE(is_guarded_package(own, Settings().packages)) << own;
  }
  EXPECT_TRUE(is_guarded_package("schooltool-db", {"schooltool-*"}));
}

class PackageStates : public testing::Test {
 protected:
  std::map<std::string, PackageState> ask(int exit_status, const std::string& output) {
    env_.set_runner([=, this](const std::vector<std::string>& argv) -> io::RunResult {
      argv_ = argv;
      return {exit_status, output};
    });
    return package_states(env_, {"schooltool", "schooltool-*"});
  }
  io::MemEnv env_;
  std::vector<std::string> argv_;
};

TEST_F(PackageStates, AreReadFromDpkgQuery) {
  const std::map<std::string, PackageState> expected = {
      {"schooltool", PackageState::installed},          {"schooltool-b", PackageState::not_installed},
      {"schooltool-c", PackageState::config_files},     {"schooltool-d", PackageState::half_installed},
      {"schooltool-e", PackageState::unpacked},         {"schooltool-f", PackageState::half_configured},
      {"schooltool-g", PackageState::triggers_pending}, {"schooltool-h", PackageState::triggers_pending}};
  EXPECT_EQ(
      ask(0,
          "schooltool installed\nschooltool-b not-installed\nschooltool-c config-files\n"
          "schooltool-d half-installed\nschooltool-e unpacked\nschooltool-f half-configured\n"
          "schooltool-g triggers-awaited\nschooltool-h triggers-pending\nschooltool-dbtools unpacked\n"),
      expected);
  EXPECT_EQ(argv_, (std::vector<std::string>{"/usr/bin/dpkg-query", "-W",
                                             "-f=${binary:Package} ${db:Status-Status}\\n", "--",
                                             "schooltool", "schooltool-*"}));
}

TEST_F(PackageStates, OfSeveralArchitecturesAreTheLeastDone) {
  const struct {
    const char* output;
    PackageState state;
  } cases[] = {
      {"schooltool-x:amd64 installed\nschooltool-x:i386 unpacked\n", PackageState::unpacked},
      {"schooltool-x:amd64 unpacked\nschooltool-x:i386 installed\n", PackageState::unpacked},
      {"schooltool-x:amd64 config-files\nschooltool-x:i386 installed\n", PackageState::installed},
      {"schooltool-x:amd64 installed\nschooltool-x:i386 not-installed\n", PackageState::installed},
      {"schooltool-x:amd64 triggers-pending\nschooltool-x:i386 half-installed\n",
       PackageState::half_installed},
  };
  for (const auto& one : cases) {
    const auto states = ask(0, one.output);
    ASSERT_EQ(states.size(), 1U);
    EXPECT_EQ(states.at("schooltool-x"), one.state) << one.output;
  }
}

TEST_F(PackageStates, AreNoneIfNothingMatches) {
  EXPECT_TRUE(ask(1, "dpkg-query: no packages found matching schooltool\n").empty());
  EXPECT_EQ(ask(1, "dpkg-query: no packages found matching schooltool-*\nschooltool installed\n").size(), 1U);
  EXPECT_TRUE(package_states(env_, {}).empty());
}

TEST_F(PackageStates, AreAnErrorIfDpkgQueryFails) {
  const struct {
    int exit_status;
    const char* output;
  } cases[] = {{2, "dpkg-query: error: parsing file '/var/lib/dpkg/status'\n"},
               {127, ""},
               {124, ""},
               {0, "schooltool\n"},
               {0, "schooltool installedd\n"},
               {1, "dpkg-query: warning: something new\n"}};
  for (const auto& one : cases) {
    try {
      ask(one.exit_status, one.output);
      ADD_FAILURE() << one.exit_status << one.output;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::io) << one.output;
    }
  }
}

class DpkgLock : public testing::Test {
 protected:
  DpkgLock() { env_.put_file("/var/lib/dpkg/lock", ""); }

  // "08:01" of a device as /proc/locks writes it.
  static std::string kernel_device(std::uint64_t device) {
    char text[40];
    std::snprintf(text, sizeof text, "%02x:%02x", static_cast<unsigned>(device >> 8U & 0xfffU),
                  static_cast<unsigned>((device & 0xffU) | (device >> 12U & 0xfff00U)));
    return text;
  }
  void locks(const std::string& text) { env_.put_file("/proc/locks", text); }
  std::string lock_line(const std::string& kind, std::int64_t pid, const std::string& device,
                        std::uint64_t inode) {
    return "1: " + kind + " " + std::to_string(pid) + " " + device + ":" + std::to_string(inode) + " 0 EOF\n";
  }
  io::FileStatus lock() { return *env_.status("/var/lib/dpkg/lock"); }
  io::MemEnv env_;
};

TEST_F(DpkgLock, IsSeenInTheKernelsList) {
  locks("");
  EXPECT_FALSE(dpkg_is_running(env_));
  const std::string device = kernel_device(lock().device);
  locks(lock_line("POSIX  ADVISORY  WRITE", 4711, device, lock().inode));
  EXPECT_TRUE(dpkg_is_running(env_));
  locks(lock_line("FLOCK  ADVISORY  WRITE", 12, "08:01", 99) +
        lock_line("POSIX  ADVISORY  WRITE", 4711, device, lock().inode));
  EXPECT_TRUE(dpkg_is_running(env_));
}

TEST_F(DpkgLock, IsNotOneOfAnotherKindOrFileOrOurOwn) {
  const std::string device = kernel_device(lock().device);
  const std::uint64_t inode = lock().inode;
  locks(lock_line("POSIX  ADVISORY  READ", 4711, device, inode) +
        lock_line("FLOCK  ADVISORY  WRITE", 4711, device, inode) +
        lock_line("-> POSIX  ADVISORY  WRITE", 4711, device, inode) +
        lock_line("POSIX  ADVISORY  WRITE", 4711, device, inode + 1) +
        lock_line("POSIX  ADVISORY  WRITE", env_.process_id(), device, inode) +
        "nonsense\n2: POSIX ADVISORY WRITE x y z w\n");
  EXPECT_FALSE(dpkg_is_running(env_));
}

// overlayfs and btrfs show other device numbers to stat than to the list of locks.
TEST_F(DpkgLock, OnAnotherDeviceNumberIsDpkgsIfDpkgHoldsIt) {
  env_.put_file("/proc/4711/stat", "4711 (dpkg) S 1 0\n");
  env_.put_file("/proc/4711/cmdline", std::string("/usr/bin/dpkg\0-i\0x.deb\0", 23));
  env_.put_file("/proc/4712/stat", "4712 (ls) S 1 0\n");
  env_.put_file("/proc/4712/cmdline", std::string("ls\0", 3));
  locks(lock_line("POSIX  ADVISORY  WRITE", 4711, "fe:77", lock().inode));
  EXPECT_TRUE(dpkg_is_running(env_));
  locks(lock_line("POSIX  ADVISORY  WRITE", 4712, "fe:77", lock().inode));
  EXPECT_FALSE(dpkg_is_running(env_));
}

TEST_F(DpkgLock, IsNotHeldWhereThereIsNoDpkgOrNoList) {
  EXPECT_FALSE(dpkg_is_running(env_));  // no /proc/locks
  locks("");
  env_.remove_all("/var/lib/dpkg");
  EXPECT_FALSE(dpkg_is_running(env_));
}

}  // namespace
}  // namespace upgrade
