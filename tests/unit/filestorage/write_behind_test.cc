#include "filestorage/write_behind.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "io/mem_env.h"
#include "support/bytes_file.h"
#include "support/errors.h"

namespace filestorage {
namespace {

class WriteBehindTest : public testing::Test {
 protected:
  // Lets the buffer go and checks that another, empty one has come in its place.
  void write(std::uint64_t offset, const std::string& text) {
    const base::ByteSpan bytes = base::as_bytes(text);
    buffer.assign(bytes.begin(), bytes.end());
    behind.write(offset, buffer);
    EXPECT_TRUE(buffer.empty());
  }

  io::MemEnv mem;
  std::unique_ptr<io::Dir> dir = mem.open_dir("/", io::Links::refuse);
  std::unique_ptr<io::File> file = dir->create_file("out", 0600);
  WriteBehind behind{*file};
  std::vector<std::byte> buffer;
};

TEST_F(WriteBehindTest, WritesInTheOrderGiven) {
  std::string wanted;
  for (std::size_t i = 0; i < 500; ++i) {
    const std::string piece(100 + i, static_cast<char>('a' + i % 26));
    write(wanted.size(), piece);
    wanted += piece;
    behind.write_copy(wanted.size() - 50, base::as_bytes("over what was just given"));
    wanted.replace(wanted.size() - 50, 24, "over what was just given");
  }
  behind.wait();
  EXPECT_EQ(mem.content("/out"), wanted);
}

// Refuses one write.
class FailsAtOnePlace : public support::BytesFile {
 public:
  std::size_t write_some(std::uint64_t offset, base::ByteSpan bytes) override {
    if (offset == 3) throw base::Error(base::ErrorKind::no_space, "write", path(), "no space left");
    return BytesFile::write_some(offset, bytes);
  }
};

TEST(WriteBehindFailure, IsHandedOverAndNothingBehindItIsWritten) {
  FailsAtOnePlace file;
  WriteBehind behind(file);
  const auto on = [&behind] {
    for (std::uint64_t i = 0; i < 100; ++i) behind.write_copy(i, base::as_bytes("y"));
    behind.wait();
  };
  EXPECT_TRUE(support::fails_with(base::ErrorKind::no_space, on));
  EXPECT_EQ(file.content, "yyy");
}

TEST_F(WriteBehindTest, EndsThoughNobodyWaited) {
  WriteBehind other(*file);
  for (int i = 0; i < 20; ++i) other.write_copy(0, base::as_bytes("left alone"));
}

}  // namespace
}  // namespace filestorage
