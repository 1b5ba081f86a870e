#include "backup/manifest.h"

#include <gtest/gtest.h>

#include "io/hooked_env.h"
#include "io/mem_env.h"
#include "support/errors.h"

namespace backup {
namespace {

using base::ErrorKind;
using support::fails_with;

constexpr const char* kPath = "/list";

// Entry n: tid 10 * (n / 3) + 5, oid 2 * (n % 3), of n bytes.
ManifestEntry nth(std::uint64_t n) {
  ManifestEntry entry;
  entry.key = {10 * (n / 3) + 5, 2 * (n % 3)};
  entry.size = n;
  entry.offset = n * 100000;
  entry.digest[3] = static_cast<std::byte>(n);
  return entry;
}

class ManifestTest : public testing::Test {
 protected:
  void write(std::uint64_t count) {
    const auto dir = mem_.open_dir("/", io::Links::refuse);
    if (dir->status("list")) dir->remove("list");
    const auto file = dir->create_file("list", 0600);
    ManifestWriter writer(*file);
    for (std::uint64_t n = 0; n < count; ++n) writer.add(nth(n));
    writer.finish(count * 100000 + 1, {});
  }
  Manifest open() {
    return Manifest(mem_.open_dir("/", io::Links::refuse)->open_file("list", io::Access::read));
  }

  io::MemEnv mem_;
};

TEST_F(ManifestTest, FindsEveryEntryInAnyOrderAndNothingElse) {
  for (const std::uint64_t count : {1U, 2U, 1023U, 1024U, 1025U, 5000U}) {
    write(count);
    Manifest manifest = open();
    EXPECT_EQ(manifest.count(), count);
    manifest.check();
    for (std::uint64_t step : {std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{4999}}) {
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t n = i * step % count;
        const auto found = manifest.find(nth(n).key);
        ASSERT_TRUE(found) << n;
        EXPECT_EQ(found->offset, nth(n).offset);
        EXPECT_EQ(found->size, nth(n).size);
        EXPECT_EQ(found->digest, nth(n).digest);
        EXPECT_FALSE(manifest.find({nth(n).key.tid, nth(n).key.oid + 1}));
        EXPECT_FALSE(manifest.find({nth(n).key.tid + 1, nth(n).key.oid}));
      }
    }
    EXPECT_FALSE(manifest.find({0, 0}));
    EXPECT_FALSE(manifest.find({~base::Tid{0}, 0}));
  }
}

TEST_F(ManifestTest, RisingKeysReadEachBlockOnce) {
  write(5000);
  std::uint64_t read = 0;
  const auto counting = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    read += operation.name == "read_some" ? 1U : 0U;
    return io::no_limit;
  });
  Manifest manifest(counting->open_dir("/", io::Links::refuse)->open_file("list", io::Access::read));
  for (std::uint64_t n = 0; n < 5000; ++n) EXPECT_TRUE(manifest.find(nth(n).key));
  EXPECT_LT(read, 40u);
}

TEST_F(ManifestTest, AnEmptyOneHoldsNothing) {
  write(0);
  Manifest manifest = open();
  manifest.check();
  EXPECT_FALSE(manifest.find({0, 0}));
}

TEST_F(ManifestTest, EveryChangedByteIsNoticed) {
  write(5);
  const std::string whole = *mem_.content(kPath);
  ASSERT_EQ(whole.size(), kManifestHeaderSize + 5 * kManifestEntrySize);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    mem_.put_file(kPath, damaged);
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { open().check(); })) << at;
  }
}

TEST_F(ManifestTest, EveryOtherLengthIsNoticed) {
  write(5);
  const std::string whole = *mem_.content(kPath);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    mem_.put_file(kPath, whole.substr(0, length));
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { open(); })) << length;
  }
  mem_.put_file(kPath, whole + std::string(kManifestEntrySize, '\0'));
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { open(); }));
}

// A header that fits its own digest but claims what cannot be.
TEST_F(ManifestTest, EntriesOutsideTheArchiveAreRefused) {
  const auto dir = mem_.open_dir("/", io::Links::refuse);
  const auto write_one = [&](const ManifestEntry& first, const ManifestEntry& second) {
    if (dir->status("list")) dir->remove("list");
    const auto file = dir->create_file("list", 0600);
    ManifestWriter writer(*file);
    writer.add(first);
    writer.add(second);
    writer.finish(1000, {});
  };
  const auto entry = [](BlobKey key, std::uint64_t offset, std::uint64_t size) {
    return ManifestEntry{key, size, offset, {}};
  };
  write_one(entry({1, 1}, 0, 10), entry({1, 2}, 10, 990));
  open().check();
  write_one(entry({1, 1}, 0, 10), entry({1, 2}, 10, 991));
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { open().check(); }));
  write_one(entry({1, 1}, 0, 10), entry({1, 2}, 512, ~std::uint64_t{0}));
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { open().check(); }));
  write_one(entry({1, 1}, 0, 11), entry({1, 2}, 10, 5));
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { open().check(); }));
  write_one(entry({1, 2}, 0, 10), entry({1, 1}, 10, 5));
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { open().check(); }));
}

}  // namespace
}  // namespace backup
