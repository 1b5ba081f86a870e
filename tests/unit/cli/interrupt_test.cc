#include "cli/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "cli/tool_main.h"
#include "support/errors.h"

namespace cli {
namespace {

TEST(Interrupt, LeavesTheWorkAtItsNextStep) {
  std::uint64_t told = 0;
  {
    const Interrupt interrupt;
    const io::OnProgress progress = Interrupt::checked([&told](std::uint64_t done) { told = done; });
    progress(1);
    ASSERT_EQ(::raise(SIGTERM), 0);
    EXPECT_TRUE(support::fails_with(
        base::ErrorKind::io, [&] { progress(2); }, "signal 15"));
    EXPECT_TRUE(support::fails_with(base::ErrorKind::io, [] { Interrupt::checked({})(3); }));
    Interrupt::pass_on(kDone);  // what was asked for was done all the same
  }
  EXPECT_EQ(told, 1u);
  const Interrupt next;
  EXPECT_NO_THROW(Interrupt::checked({})(4));
}

TEST(Interrupt, EndsTheProgramByTheSignalThatItNoted) {
  EXPECT_EXIT(
      {
        const Interrupt interrupt;
        ::raise(SIGHUP);
        Interrupt::pass_on(kCouldNot);
      },
      testing::KilledBySignal(SIGHUP), "");
  EXPECT_EXIT(
      {
        const Interrupt interrupt;
        ::raise(SIGINT);
        ::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(Interrupt, LeavesIgnoredSignalsIgnored) {
  ::signal(SIGINT, SIG_IGN);
  {
    const Interrupt interrupt;
    ::raise(SIGINT);
    EXPECT_NO_THROW(Interrupt::checked({})(1));
  }
  ::raise(SIGINT);
  ::signal(SIGINT, SIG_DFL);
}

}  // namespace
}  // namespace cli
