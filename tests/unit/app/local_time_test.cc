#include "app/local_time.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "base/error.h"
#include "support/errors.h"

namespace app {
namespace {

using support::fails_with;

class LocalTimeTest : public testing::Test {
 protected:
  // As the C library knows zones without any files.
  LocalTimeTest() { set_zone("CET-1CEST,M3.5.0,M10.5.0/3"); }
  ~LocalTimeTest() override { set_zone("UTC0"); }
  static void set_zone(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
  static std::string iso(const std::string& text) { return base::to_iso(parse_moment(text)); }
  static bool refused(const std::string& text, const std::string& words) {
    return fails_with(
        base::ErrorKind::usage, [&] { parse_moment(text); }, words);
  }
};

TEST_F(LocalTimeTest, MomentsAreLocalUnlessUtcIsSaid) {
  EXPECT_EQ(iso("2026-11-23 03:15:20"), "2026-11-23T02:15:20Z");
  EXPECT_EQ(iso("2026-07-23T03:15:20"), "2026-07-23T01:15:20Z");
  EXPECT_EQ(iso("2026-11-23 03:15:20Z"), "2026-11-23T03:15:20Z");
  EXPECT_EQ(iso("2026-11-23T03:15Z"), "2026-11-23T03:15:59Z");
  EXPECT_EQ(iso("2026-11-23-03-15-00"), "2026-11-23T03:15:00Z");
}

TEST_F(LocalTimeTest, WhatIsNotSaidMeansTheEndOfIt) {
  EXPECT_EQ(iso("2026-11-23 03:15"), "2026-11-23T02:15:59Z");
  EXPECT_EQ(iso("2026-11-23"), "2026-11-23T22:59:59Z");
  EXPECT_EQ(iso("2026-11-23Z"), "2026-11-23T23:59:59Z");
}

TEST_F(LocalTimeTest, AnHourThatIsSkippedIsNoMoment) {
  EXPECT_TRUE(refused("2026-03-29 02:30", "is not a moment"));
  EXPECT_EQ(iso("2026-03-29 01:59:59"), "2026-03-29T00:59:59Z");
  EXPECT_EQ(iso("2026-03-29 03:00:00"), "2026-03-29T01:00:00Z");
}

TEST_F(LocalTimeTest, AnHourThatComesTwiceHasToBeToldApart) {
  EXPECT_TRUE(refused("2026-10-25 02:30", "was twice"));
  try {
    parse_moment("2026-10-25 02:30");
  } catch (const base::Error& error) {
    EXPECT_EQ(error.hint(),
              "write 2026-10-25T00:30:59Z for the first, 2026-10-25T01:30:59Z for the second time");
  }
  EXPECT_EQ(iso("2026-10-25 01:59:59"), "2026-10-24T23:59:59Z");
  EXPECT_EQ(iso("2026-10-25 03:00:00"), "2026-10-25T02:00:00Z");
}

// Clocks that are put back at midnight show the last hour of the day twice.
TEST_F(LocalTimeTest, ADayEndsWithItsLastHour) {
  set_zone("BRT3BRST,M10.3.0/0,M2.3.0/0");
  EXPECT_EQ(iso("2026-02-14"), "2026-02-15T02:59:59Z");
}

TEST_F(LocalTimeTest, AnythingElseIsNoMoment) {
  for (const char* text : {"", "yesterday", "2026-02-31", "2026-13-01", "2026-00-10", "2026-01-01 25:00",
                           "2026-01-01 24:00", "2026-01-01 10:60", "2026-01-01 10:00:61", "2026-01-01-10-00",
                           "2026-02-30-10-00-00", " 2026-01-01", "2026-01-01z", "Z"}) {
    EXPECT_TRUE(refused(text, "is not a moment")) << text;
  }
}

TEST_F(LocalTimeTest, TextsNameTheZone) {
  EXPECT_EQ(local_text({1793580300, 0}), "2026-11-02 01:45:00 CET");
  EXPECT_EQ(local_text({1785000000, 0}).substr(20), "CEST");
}

}  // namespace
}  // namespace app
