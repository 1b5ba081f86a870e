#include "base/xxh128.h"

#include <gtest/gtest.h>

namespace {

using base::as_bytes;
using base::Xxh128;

// Reference values: `xxhsum -H128` of the same content.
TEST(Xxh128, GivesTheCanonicalDigest) {
  EXPECT_EQ(Xxh128().hex(), "99aa06d3014798d86001c324468d497f");
  Xxh128 hash;
  hash.update(as_bytes("abc"));
  EXPECT_EQ(hash.hex(), "06b05ab6733a618578af5f94892f3950");
}

TEST(Xxh128, DependsOnTheBytesAndNotOnTheirPieces) {
  const std::string text(10'000, 'x');
  Xxh128 whole, pieces;
  whole.update(as_bytes(text));
  for (std::size_t at = 0; at < text.size(); at += 77)
    pieces.update(as_bytes(text).subspan(at, std::min<std::size_t>(77, text.size() - at)));
  EXPECT_EQ(whole.hex(), pieces.hex());
  whole.update(as_bytes("y"));
  EXPECT_NE(whole.hex(), pieces.hex()) << "hex() may be followed by more";
}

TEST(Xxh128, Moves) {
  Xxh128 hash;
  hash.update(as_bytes("ab"));
  Xxh128 moved = std::move(hash);
  moved.update(as_bytes("c"));
  EXPECT_EQ(moved.hex(), "06b05ab6733a618578af5f94892f3950");
}

}  // namespace
