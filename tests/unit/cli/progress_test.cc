#include "cli/progress.h"

#include <gtest/gtest.h>

#include <sstream>

#include "io/mem_env.h"

namespace cli {
namespace {

constexpr std::int64_t kStart = 1'700'000'000;

class Progress : public testing::Test {
 protected:
  Progress() { env_.set_now({kStart, 0}); }
  // What appears when `done` bytes are reported `ms` milliseconds after the start.
  std::string shown(const io::OnProgress& progress, std::int64_t ms, std::uint64_t done) {
    env_.set_now({kStart + ms / 1000, static_cast<std::int32_t>(ms % 1000 * 1'000'000)});
    out_.str("");
    progress(done);
    return out_.str();
  }

  io::MemEnv env_;
  std::ostringstream out_;
};

TEST_F(Progress, SaysNothingInTheFirstSecond) {
  {
    const io::OnProgress progress = progress_on(out_, "copy", 1000, env_);
    EXPECT_EQ(shown(progress, 0, 0), "");
    EXPECT_EQ(shown(progress, 999, 900), "");
  }
  EXPECT_EQ(out_.str(), "");
}

TEST_F(Progress, ShowsBytesRateAndTimeLeft) {
  const io::OnProgress progress = progress_on(out_, "copy Data.fs", 400'000'000, env_);
  EXPECT_EQ(shown(progress, 2000, 100'000'000), "\rcopy Data.fs  100.0 MB of 400.0 MB  50.0 MB/s  6 s left");
}

TEST_F(Progress, ShowsNoTimeLeftWithoutATotal) {
  const io::OnProgress progress = progress_on(out_, "scan", 0, env_);
  EXPECT_EQ(shown(progress, 1000, 5'000'000), "\rscan  5.0 MB  5.0 MB/s");
}

TEST_F(Progress, ShowsNoTimeLeftBeforeAnythingIsDoneOrAtTheEnd) {
  const io::OnProgress progress = progress_on(out_, "scan", 1000, env_);
  EXPECT_EQ(shown(progress, 2000, 0), "\rscan  0 bytes of 1.0 kB  0 bytes/s");
  const std::string end = shown(progress, 4000, 1000);
  EXPECT_EQ(end.find("\rscan  1.0 kB of 1.0 kB  250 bytes/s"), 0u) << end;
  EXPECT_EQ(end.find("left"), std::string::npos) << end;
}

TEST_F(Progress, ChangesAtMostFiveTimesASecond) {
  const io::OnProgress progress = progress_on(out_, "copy", 0, env_);
  EXPECT_NE(shown(progress, 1000, 1), "");
  EXPECT_EQ(shown(progress, 1199, 2), "");
  EXPECT_NE(shown(progress, 1200, 3), "");
}

TEST_F(Progress, PadsAShorterLineOverTheLongerOneBefore) {
  const io::OnProgress progress = progress_on(out_, "copy", 0, env_);
  const std::size_t width = shown(progress, 1000, 123'400'000).size();
  EXPECT_EQ(shown(progress, 100'000, 200'000'000).size(), width);
}

TEST_F(Progress, ClearsTheLineWithTheLastCopyOfTheFunction) {
  io::OnProgress progress = progress_on(out_, "copy", 0, env_);
  const std::size_t width = shown(progress, 1000, 1000).size() - 1;
  io::OnProgress copy = progress;
  out_.str("");
  progress = nullptr;
  EXPECT_EQ(out_.str(), "");
  copy = nullptr;
  EXPECT_EQ(out_.str(), "\r" + std::string(width, ' ') + "\r");
}

TEST_F(Progress, FitsALongLabelIntoOneLine) {
  const io::OnProgress progress = progress_on(out_, std::string(200, 'x'), 1000, env_);
  EXPECT_EQ(shown(progress, 1000, 500).size(), 80u);  // "\r" and 79 columns
}

TEST_F(Progress, CountsAnewWhenTheClockIsSetBack) {
  const io::OnProgress progress = progress_on(out_, "copy", 0, env_);
  EXPECT_NE(shown(progress, 5000, 1), "");
  EXPECT_EQ(shown(progress, 1000, 2), "");
  EXPECT_NE(shown(progress, 2500, 3), "");
}

}  // namespace
}  // namespace cli
