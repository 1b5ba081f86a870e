#include "upgrade/service.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/error.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "support/scene.h"

namespace upgrade {
namespace {

using base::ErrorKind;
using support::fails_with;
using Lines = std::vector<std::string>;

class ServiceTest : public testing::Test {
 protected:
  io::MemEnv mem_;
  support::Machine machine_{mem_};
  DataFolder folder_{mem_, support::school_instance()};
};

TEST_F(ServiceTest, DoesNothingIfNobodyHasTheDatabase) {
  Service service(mem_, "schooltool");
  service.stop(folder_, 5);
  EXPECT_FALSE(service.was_stopped());
  EXPECT_TRUE(machine_.commands.empty());
}

TEST_F(ServiceTest, GoesThroughSystemdWhereItRuns) {
  machine_.use_systemd();
  machine_.start_server();
  Service service(mem_, "schooltool");
  service.stop(folder_, 5);
  EXPECT_TRUE(service.was_stopped());
  EXPECT_TRUE(service.start());
  EXPECT_EQ(machine_.commands, (Lines{"systemctl stop schooltool", "systemctl reset-failed schooltool",
                                      "systemctl --no-block start schooltool"}));
}

TEST_F(ServiceTest, GoesThroughInvokeRcElsewhere) {
  machine_.start_server();
  Service service(mem_, "schooltool");
  service.stop(folder_, 5);
  service.start();
  EXPECT_EQ(machine_.commands, (Lines{"invoke-rc.d schooltool stop", "invoke-rc.d schooltool start"}));
}

TEST_F(ServiceTest, PastAPolicyThatDeniesTheInitScriptIsRun) {
  machine_.policy_denies = true;
  machine_.start_server();
  Service service(mem_, "schooltool");
  service.stop(folder_, 5);
  EXPECT_TRUE(service.was_stopped());
  EXPECT_FALSE(machine_.server_runs());
  // And started the same way.
  EXPECT_TRUE(service.start());
  EXPECT_TRUE(machine_.server_runs());
  EXPECT_EQ(machine_.commands, (Lines{"invoke-rc.d schooltool stop", "schooltool stop", "schooltool start"}));
}

TEST_F(ServiceTest, AServerThatStaysIsBusyWithinTheTime) {
  machine_.start_server();
  machine_.stops = false;
  Service service(mem_, "schooltool");
  const base::UtcTime before = mem_.now();
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { service.stop(folder_, 5); }, "Data.fs"));
  EXPECT_LE(mem_.now().seconds - before.seconds, 8);
}

TEST_F(ServiceTest, ACommandThatCannotBeRunIsNoStart) {
  const auto env = io::make_hooked_env(mem_, [](const io::Operation& operation) -> std::uint64_t {
    if (operation.name == "run") throw base::Error::from_errno("run", operation.path, ENOMEM);
    return io::no_limit;
  });
  machine_.start_server();
  Service service(*env, "schooltool");
  DataFolder folder(*env, support::school_instance());
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { service.stop(folder, 1); }));
  EXPECT_FALSE(service.start());
}

TEST_F(ServiceTest, TakesPlainWordsForNamesOnly) {
  for (const char* name : {"schooltool", "zope2.13", "school@north", "a_b-c"})
    EXPECT_NO_THROW(Service(mem_, name));
  for (const char* name : {"", "-x", "../x", "a/b", "a b", "a;b", "a\nb", ".hidden"}) {
    EXPECT_TRUE(fails_with(ErrorKind::usage, [&] { Service(mem_, name); })) << name;
  }
}

}  // namespace
}  // namespace upgrade
