#include "filestorage/window.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/error.h"
#include "support/bytes_file.h"

namespace filestorage {
namespace {

using support::BytesFile;

std::string random_bytes(std::size_t size) {
  std::mt19937_64 random(size);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string digest(const std::string& bytes, std::size_t length) {
  base::Xxh128 hasher;
  hasher.update(base::as_bytes(bytes).first(length));
  return hasher.hex();
}

void walk(Window& window, const std::string& content, std::uint64_t step, std::size_t length) {
  for (std::uint64_t at = 0; at + length <= content.size(); at += step) {
    const std::byte* bytes = window.at(at, length);
    ASSERT_NE(bytes, nullptr);
    ASSERT_EQ(base::as_text({bytes, length}),
              std::string_view(content).substr(static_cast<std::size_t>(at), length));
  }
}

TEST(Window, HandsOutTheBytesOfTheFile) {
  const std::string content = random_bytes(3000000);
  for (const std::uint64_t step :
       {std::uint64_t{42}, std::uint64_t{5003}, std::uint64_t{70001}, std::uint64_t{900000}}) {
    for (const bool digests : {false, true}) {
      for (const std::size_t largest_read : {std::size_t{1000}, ~std::size_t{0}}) {
        BytesFile file(content);
        file.largest_read = largest_read;
        std::vector<std::uint64_t> points;
        if (digests) points = {1000000};
        Window window(file, content.size(), points, {});
        walk(window, content, step, 42);
      }
    }
  }
}

TEST(Window, EndsWhereTheFileOrTheLimitEnds) {
  BytesFile file(random_bytes(1000));
  Window window(file, 900, {}, {});
  EXPECT_NE(window.at(858, 42), nullptr);
  EXPECT_EQ(window.at(859, 42), nullptr);
  EXPECT_EQ(window.at(~std::uint64_t{0} - 3, 42), nullptr);
  EXPECT_EQ(window.view(890, 10).size(), 10u);
}

TEST(Window, DigestsThePrefixesAskedFor) {
  const std::string content = random_bytes(2500000);
  const std::vector<std::uint64_t> points = {0, 1, 700000, 700000, 1048576, content.size()};
  BytesFile file(content);
  Window window(file, content.size(), points, {});
  walk(window, content, 65000, 42);
  const std::vector<std::string> digests = window.finish();
  ASSERT_EQ(digests.size(), points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(digests[i], digest(content, static_cast<std::size_t>(points[i])));
  }
  EXPECT_EQ(file.bytes_read, content.size());  // each byte once
}

TEST(Window, ReadsEachByteOnceIfAllAreWanted) {
  const std::string content = random_bytes(2000000);
  BytesFile file(content);
  Window window(file, content.size(), {}, {});
  walk(window, content, 40, 40);
  EXPECT_EQ(file.bytes_read, content.size());
  EXPECT_LT(file.reads, 20u);
}

TEST(Window, SkipsWhatNobodyAsksFor) {
  const std::string content = random_bytes(20000000);
  BytesFile file(content);
  Window window(file, content.size(), {}, {});
  walk(window, content, 100000, 42);
  EXPECT_LT(file.bytes_read, content.size() / 10);
}

TEST(Window, ReportsProgressWhileItReads) {
  const std::string content = random_bytes(20000000);
  BytesFile file(content);
  std::vector<std::uint64_t> seen;
  Window window(file, content.size(), {content.size()}, [&](std::uint64_t done) { seen.push_back(done); });
  window.finish();
  ASSERT_GE(seen.size(), 2u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_LE(seen.back(), content.size());
}

TEST(Window, StandsAFileThatShrinks) {
  BytesFile file(random_bytes(2000000));
  Window window(file, file.content.size(), {}, {});
  EXPECT_NE(window.at(0, 42), nullptr);
  file.content.resize(1000000);
  EXPECT_EQ(window.at(1500000, 42), nullptr);
  EXPECT_LT(window.size(), 2000000u);
}

TEST(Window, CannotDigestBytesThatAreGone) {
  BytesFile file(random_bytes(1000));
  Window window(file, 1000, {900}, {});
  file.content.resize(500);
  try {
    window.finish();
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
  }
}

}  // namespace
}  // namespace filestorage
