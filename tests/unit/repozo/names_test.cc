#include "repozo/names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace repozo;

TEST(Names, OfBackupsAreRead) {
  struct Case {
    std::string name;
    Kind kind;
    bool gzip;
  };
  for (const Case& each : std::vector<Case>{{"2013-02-07-03-15-00.fs", Kind::full, false},
                                            {"2013-02-07-03-15-00.fsz", Kind::full, true},
                                            {"2013-02-07-03-15-00.deltafs", Kind::increment, false},
                                            {"2013-02-07-03-15-00.deltafsz", Kind::increment, true},
                                            {"9999-99-99-99-99-99.fs", Kind::full, false}}) {
    const auto name = parse_name(each.name);
    ASSERT_TRUE(name) << each.name;
    EXPECT_EQ(name->stamp, each.name.substr(0, 19));
    EXPECT_EQ(name->kind, each.kind) << each.name;
    EXPECT_EQ(name->gzip, each.gzip) << each.name;
    EXPECT_EQ(name->file(), each.name);
  }
}

TEST(Names, OfOtherFilesAreNot) {
  for (const std::string name :
       {"", ".fs", "2013-02-07-03-15-00", "2013-02-07-03-15-00.", "2013-02-07-03-15-00.dat",
        "2013-02-07-03-15-00.index", "2013-02-07-03-15-00.sums", "2013-02-07-03-15-00.fs.bak",
        "2013-02-07-03-15-00.fsZ", "2013-02-07-03-15-00.fs ", " 2013-02-07-03-15-00.fs",
        "2013-02-07-03-15.fs", "2013-02-07 03-15-00.fs", "13-02-07-03-15-00.fs", "2013-02-07-03-15-0x.fs",
        "2013-02-07-03-15-00.deltafszz", "tmp.tmp", "Data.fs"}) {
    EXPECT_FALSE(parse_name(name)) << name;
  }
}

TEST(Names, StampsAreMoments) {
  EXPECT_EQ(stamp_of({1360206900, 999'999'999}), "2013-02-07-03-15-00");
  ASSERT_TRUE(time_of("2013-02-07-03-15-00"));
  EXPECT_EQ(time_of("2013-02-07-03-15-00")->seconds, 1360206900);
  for (const std::string stamp : {"2013-13-07-03-15-00", "2013-02-30-03-15-00", "2013-02-07-24-00-00", "x"}) {
    EXPECT_FALSE(time_of(stamp)) << stamp;
  }
}

TEST(Names, StampAfterIsTheNextInOrder) {
  EXPECT_EQ(stamp_after("2013-02-07-03-15-00"), "2013-02-07-03-15-01");
  EXPECT_EQ(stamp_after("2013-12-31-23-59-59"), "2014-01-01-00-00-00");
  EXPECT_EQ(stamp_after("2012-02-28-23-59-59"), "2012-02-29-00-00-00");
  // No date, but a name that the original takes for a backup.
  EXPECT_EQ(stamp_after("2012-13-45-99-99-99"), "2012-13-46-00-00-00");
  EXPECT_EQ(stamp_after("9999-12-31-23-59-59"), std::nullopt);
  EXPECT_EQ(stamp_after("9999-99-99-99-99-99"), std::nullopt);
}

TEST(Names, ComeInTheOrderInWhichBackupsBelong) {
  std::vector<std::string> order;
  std::vector<BackupName> names;
  for (const std::string name :
       {"2013-02-08-00-00-00.deltafsz", "2013-02-08-00-00-00.deltafs", "2013-02-09-00-00-00.deltafs",
        "2013-02-08-00-00-00.fsz", "2013-02-07-00-00-00.deltafs"}) {
    names.push_back(*parse_name(name));
  }
  std::sort(names.begin(), names.end(), comes_before);
  for (const BackupName& name : names) order.push_back(name.file());
  EXPECT_EQ(order, (std::vector<std::string>{"2013-02-07-00-00-00.deltafs", "2013-02-08-00-00-00.fsz",
                                             "2013-02-08-00-00-00.deltafs", "2013-02-08-00-00-00.deltafsz",
                                             "2013-02-09-00-00-00.deltafs"}));
}

}  // namespace
