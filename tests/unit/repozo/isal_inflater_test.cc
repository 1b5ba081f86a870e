#include "repozo/isal_inflater.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <optional>
#include <string>

#include "base/error.h"
#include "io/mem_env.h"

namespace {

// One member, as Python's gzip module writes it.
std::string member(const std::string& content) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(::deflateBound(&stream, content.size()) + 100, '\0');
  std::string input = content;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return packed;
}

// More than fits the buffers, and neither all alike nor all noise.
std::string content() {
  std::string text;
  for (unsigned at = 0; text.size() < 3'500'000; ++at) {
    text += "record " + std::to_string(at * at) + " of " + std::to_string(at % 97) + "\n";
  }
  return text;
}

struct Outcome {
  std::string error, content;
  bool operator==(const Outcome&) const = default;
};

Outcome decompress(const std::string& packed, io::MemberInflater* faster) {
  io::MemEnv mem;
  mem.put_file("/x.fsz", packed);
  const auto file = mem.open_dir("/", io::Links::refuse)->open_file("x.fsz", io::Access::read);
  Outcome outcome;
  try {
    io::gzip_decompress(
        *file, 100 << 20, [&](base::ByteSpan bytes) { outcome.content += base::as_text(bytes); }, faster);
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::corrupt);
    outcome = {error.reason(), ""};
  }
  return outcome;
}

class IsalInflater : public testing::Test {
 protected:
  void SetUp() override {
    if (!isal_) GTEST_SKIP() << "built without ISA-L";
  }
  void expect_same(const std::string& packed) {
    const Outcome by_zlib = decompress(packed, nullptr), by_isal = decompress(packed, isal_.get());
    EXPECT_EQ(by_isal.error, by_zlib.error);
    EXPECT_TRUE(by_isal.content == by_zlib.content);
  }
  std::unique_ptr<io::MemberInflater> isal_ = repozo::make_isal_inflater();
};

TEST_F(IsalInflater, GivesWhatZlibGives) {
  const std::string text = content();
  EXPECT_TRUE(decompress(member(text), isal_.get()).content == text);
  expect_same(member(""));
  expect_same(member(text) + member("") + member(text));
  expect_same(member(text) + std::string(1000, '\0'));
}

// By zlib, which is asked where the fault is.
TEST_F(IsalInflater, RefusesWhatZlibRefusesInTheSameWords) {
  const std::string packed = member(content());
  for (const std::size_t length : {std::size_t{1}, std::size_t{11}, packed.size() / 2, packed.size() - 9,
                                   packed.size() - 4, packed.size() - 1}) {
    SCOPED_TRACE(length);
    expect_same(packed.substr(0, length));
  }
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{2}, packed.size() / 3, packed.size() - 7, packed.size() - 1}) {
    SCOPED_TRACE(at);
    std::string changed = packed;
    changed[at] = static_cast<char>(changed[at] ^ 8);
    EXPECT_NE(decompress(changed, isal_.get()).error, "");
    expect_same(changed);
  }
  for (const char reserved : {'\x20', '\x40'}) {
    std::string changed = packed;
    changed[3] = reserved;
    EXPECT_NE(decompress(changed, isal_.get()).error, "");
    expect_same(changed);
    expect_same(packed + changed);
  }
  expect_same(packed + "junk");
  expect_same(packed + packed.substr(0, 100'000));
}

}  // namespace
