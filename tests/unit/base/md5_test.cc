#include "base/md5.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace {

using base::as_bytes;
using base::Md5;

// From RFC 1321.
TEST(Md5, GivesTheDigestsOfTheStandard) {
  EXPECT_EQ(Md5().hex(), "d41d8cd98f00b204e9800998ecf8427e");
  Md5 md5;
  md5.update(as_bytes("message digest"));
  EXPECT_EQ(md5.hex(), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Md5, MayBeAskedOnTheWay) {
  Md5 md5;
  md5.update(as_bytes("a"));
  EXPECT_EQ(md5.hex(), "0cc175b9c0f1b6a831c399e269772661");
  Md5 moved = std::move(md5);
  moved.update(as_bytes("bc"));
  EXPECT_EQ(moved.hex(), "900150983cd24fb0d6963f7d28e17f72");
}

}  // namespace
