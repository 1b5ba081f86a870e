#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace {

using base::Error;
using base::ErrorKind;

TEST(Error, SaysOperationPathAndReason) {
  const Error error(ErrorKind::corrupt, "read", "/srv/Data.fs", "the magic is wrong");
  EXPECT_STREQ(error.what(), "read '/srv/Data.fs': the magic is wrong");
  EXPECT_EQ(error.kind(), ErrorKind::corrupt);
  EXPECT_EQ(error.sys_errno(), 0);
  EXPECT_EQ(error.operation(), "read");
  EXPECT_EQ(error.path(), "/srv/Data.fs");
  EXPECT_EQ(error.reason(), "the magic is wrong");
  EXPECT_EQ(error.hint(), "");
}

TEST(Error, LeavesOutWhatIsEmpty) {
  EXPECT_STREQ(Error(ErrorKind::usage, "", "", "no such option").what(), "no such option");
  EXPECT_STREQ(Error(ErrorKind::usage, "read", "", "no name given").what(), "read: no name given");
  EXPECT_STREQ(Error(ErrorKind::usage, "read", "x", "").what(), "read 'x'");
}

TEST(Error, QuotesAHostilePath) {
  EXPECT_STREQ(Error(ErrorKind::io, "open", "a\nok", "refused").what(), R"(open 'a\nok': refused)");
}

TEST(Error, TakesItsKindFromErrno) {
  const struct {
    int number;
    ErrorKind kind;
  } cases[] = {
      {ENOENT, ErrorKind::not_found}, {EEXIST, ErrorKind::exists},     {ENOSPC, ErrorKind::no_space},
      {EDQUOT, ErrorKind::no_space},  {ELOOP, ErrorKind::unsafe_path}, {EWOULDBLOCK, ErrorKind::busy},
      {EIO, ErrorKind::io},           {EACCES, ErrorKind::io},
  };
  for (const auto& c : cases) {
    const Error error = Error::from_errno("open", "x", c.number);
    EXPECT_EQ(error.kind(), c.kind) << c.number;
    EXPECT_EQ(error.sys_errno(), c.number);
  }
  EXPECT_STREQ(Error::from_errno("open", "x", ENOENT).what(), "open 'x': No such file or directory");
}

TEST(Error, CarriesAHint) {
  const Error error = Error(ErrorKind::busy, "lock", "x", "taken").with_hint("try later");
  EXPECT_EQ(error.hint(), "try later");
  EXPECT_STREQ(error.what(), "lock 'x': taken");
}

TEST(Error, NamesEveryKind) {
  EXPECT_EQ(to_string(ErrorKind::usage), "usage");
  EXPECT_EQ(to_string(ErrorKind::unsafe_path), "unsafe_path");
  EXPECT_EQ(to_string(ErrorKind::protocol), "protocol");
}

}  // namespace
