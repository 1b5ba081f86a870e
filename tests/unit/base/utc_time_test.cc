#include "base/utc_time.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace {

using base::from_iso;
using base::Tid;
using base::tid_of;
using base::tid_time;
using base::to_iso;
using base::to_stamp;
using base::UtcTime;

TEST(UtcTime, PrintsMoments) {
  const struct {
    std::int64_t seconds;
    const char *iso, *stamp;
  } cases[] = {
      {0, "1970-01-01T00:00:00Z", "19700101T000000Z"},
      {-1, "1969-12-31T23:59:59Z", "19691231T235959Z"},
      {951'782'399, "2000-02-28T23:59:59Z", "20000228T235959Z"},
      {951'782'400, "2000-02-29T00:00:00Z", "20000229T000000Z"},
      {951'868'800, "2000-03-01T00:00:00Z", "20000301T000000Z"},
      {1'795'443'548, "2026-11-23T14:19:08Z", "20261123T141908Z"},
      {4'107'542'400, "2100-03-01T00:00:00Z", "21000301T000000Z"},
      {-2'208'988'800, "1900-01-01T00:00:00Z", "19000101T000000Z"},
      {-62'167'219'200, "0000-01-01T00:00:00Z", "00000101T000000Z"},
      {253'402'300'799, "9999-12-31T23:59:59Z", "99991231T235959Z"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(to_iso({c.seconds, 999'999'999}), c.iso);
    EXPECT_EQ(to_stamp({c.seconds, 0}), c.stamp);
    EXPECT_EQ(from_iso(c.iso), (UtcTime{c.seconds, 0})) << c.iso;
  }
}

TEST(UtcTime, PrintsAnyMomentWithoutOverflow) {
  EXPECT_EQ(to_iso({std::numeric_limits<std::int64_t>::max(), 0}), "292277026596-12-04T15:30:07Z");
  EXPECT_EQ(to_iso({std::numeric_limits<std::int64_t>::min(), 0}), "-292277022657-01-27T08:29:52Z");
}

TEST(UtcTime, EveryDayComesBackAsItself) {
  for (std::int64_t day = -30'000; day < 60'000; ++day) {
    const UtcTime noon{day * 86'400 + 43'200, 0};
    ASSERT_EQ(from_iso(to_iso(noon)), noon) << to_iso(noon);
  }
}

TEST(FromIso, ReadsFractions) {
  EXPECT_EQ(from_iso("1970-01-01T00:00:01.5Z"), (UtcTime{1, 500'000'000}));
  EXPECT_EQ(from_iso("1970-01-01T00:00:00.123456Z"), (UtcTime{0, 123'456'000}));
  EXPECT_EQ(from_iso("1970-01-01T00:00:00.000000001Z"), (UtcTime{0, 1}));
  EXPECT_EQ(from_iso("1969-12-31T23:59:59.25Z"), (UtcTime{-1, 250'000'000}));
}

TEST(FromIso, RefusesOtherForms) {
  for (const char* text : {"",
                           "Z",
                           "2026-11-23",
                           "2026-11-23T14:19:08",
                           "2026-11-23 14:19:08Z",
                           "2026-11-23T14:19:08z",
                           "2026-11-23T14:19:08+00:00",
                           " 2026-11-23T14:19:08Z",
                           "2026-11-23T14:19:08Z ",
                           "2026-11-23T14:19:08.Z",
                           "2026-11-23T14:19:08.1234567890Z",
                           "2026-11-23T14:19:08.1a2Z",
                           "2026-11-23T14:19:08,5Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-04-31T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:60Z",
                           "+026-01-01T00:00:00Z",
                           "2026-1--01T00:00:00Z",
                           "2026-01-01T00:00:-1Z",
                           "12026-01-01T00:00:00Z"}) {
    EXPECT_EQ(from_iso(text), std::nullopt) << text;
  }
}

// Made by the arithmetic of Python's ZODB.TimeStamp from time.gmtime(t) and t % 60.
TEST(TidOf, AgreesWithZodb) {
  const struct {
    UtcTime time;
    Tid tid;
  } cases[] = {
      {{0, 0}, 0x023c2b0000000000},
      {{1, 500'000'000}, 0x023c2b0006666666},
      {{1'346'659'579, 123'000'000}, 0x0398f82651976a55},
      {{951'782'399, 999'999'000}, 0x0332addfffffffbb},
      {{1'709'164'800, 0}, 0x03f6d9e000000000},
      {{1'732'371'548, 987'654'321}, 0x03fcdcdb2658ea44},
      {{2'147'483'647, 999'999'999}, 0x0468630222222222},  // rounds up to the next second as a double
      {{-1, 0}, 0x023c2afffbbbbbbb},
      {{-31'536'000, 250'000'000}, 0x0233fe8001111111},
      {{59, 999'999'999}, 0x023c2b00ffffffff},
      {{-2'208'988'800, 0}, 0x0000000000000000},
      {{4'102'444'799, 999'999'999}, 0x0662c40000000000},  // rounds up into the next year
  };
  for (const auto& c : cases) EXPECT_EQ(tid_of(c.time), c.tid) << to_iso(c.time);
}

TEST(TidOf, RefusesYearsThatHaveNoTid) {
  for (const std::int64_t seconds :
       {std::int64_t{-2'208'988'801}, std::int64_t{260'000'000'000}, std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()}) {
    try {
      tid_of({seconds, 0});
      ADD_FAILURE() << seconds << " gave a tid";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), base::ErrorKind::usage);
    }
  }
}

TEST(TidTime, ReversesTidOfToAMicrosecond) {
  for (const UtcTime time :
       {UtcTime{0, 0}, UtcTime{1'346'659'579, 123'000'000}, UtcTime{1'795'443'548, 999'999'000}}) {
    const UtcTime back = tid_time(tid_of(time));
    EXPECT_EQ(back.seconds, time.seconds);
    EXPECT_NEAR(back.nanoseconds, time.nanoseconds, 2000);
    EXPECT_LE(back, time);
  }
  EXPECT_EQ(to_iso(tid_time(0x0398f82651976a55)), "2012-09-03T08:06:19Z");
  EXPECT_EQ(tid_time(0x0398f82651976a55).nanoseconds, 122'999'000) << "down, not to the nearest";
}

TEST(TidTime, GivesAMomentForEveryNumber) {
  EXPECT_EQ(to_iso(tid_time(0)), "1900-01-01T00:00:00Z");
  EXPECT_EQ(to_iso(tid_time(~Tid{0})), "9917-10-14T04:15:59Z");
  EXPECT_EQ(tid_time(~Tid{0}).nanoseconds, 999'999'000);
  // The 31st of February, which only tids have, counts on into March.
  const Tid february_31 = Tid{((100 * 12 + 1) * 31 + 30) * 1440} << 32;
  EXPECT_EQ(to_iso(tid_time(february_31)), "2000-03-02T00:00:00Z");
}

}  // namespace
