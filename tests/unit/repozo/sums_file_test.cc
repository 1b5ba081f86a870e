#include "repozo/sums_file.h"

#include <gtest/gtest.h>

#include "io/mem_env.h"

namespace {

using namespace repozo;
using base::as_bytes;

Sums example(std::uint64_t start, const std::string& data) {
  BlockSummer summer;
  summer.update(as_bytes(data));
  return {*parse_name("2013-02-07-03-16-00.deltafs"),
          start,
          start + data.size(),
          "d41d8cd98f00b204e9800998ecf8427e",
          data.size(),
          1541,
          sum_of(as_bytes("index")),
          summer.finish()};
}

TEST(SumsFile, HasTheBytesOfItsDescription) {
  const std::string bytes = encode_sums(example(0x2e264, ""));
  EXPECT_EQ(bytes.size(), 128u);
  EXPECT_EQ(base::to_hex(as_bytes(std::string_view(bytes).substr(0, 88))),
            "525a53554d53310a323031332d30322d30372d30332d31362d30302e64656c746166730000000000000000000002e264"
            "000000000002e264d41d8cd98f00b204e9800998ecf8427e00000000000000000000000000000605");
}

TEST(SumsFile, IsReadBack) {
  const Sums sums = example(7, std::string(kSumBlock * 2 + 5, 'x'));
  const auto read = decode_sums(encode_sums(sums));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, sums.name);
  EXPECT_EQ(read->start, 7u);
  EXPECT_EQ(read->size(), kSumBlock * 2 + 5);
  EXPECT_EQ(read->md5, sums.md5);
  EXPECT_EQ(read->stored, sums.stored);
  EXPECT_EQ(read->index_size, 1541u);
  EXPECT_EQ(read->index_sum, sums.index_sum);
  ASSERT_EQ(read->blocks.size(), 3u);
  EXPECT_EQ(read->blocks, sums.blocks);
}

TEST(SumsFile, IsRefusedWhenAnyByteIsOther) {
  const std::string whole = encode_sums(example(7, "content"));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    EXPECT_FALSE(decode_sums(changed)) << at;
    EXPECT_FALSE(decode_sums(whole.substr(0, at))) << at;
  }
  EXPECT_FALSE(decode_sums(whole + "x"));
}

// Its own sum is right, and what it says is not: the writer was not us.
TEST(SumsFile, IsRefusedWhenItsNumbersDoNotFit) {
  const auto signed_anew = [](std::string bytes) {
    bytes.resize(bytes.size() - sizeof(Sum));
    return bytes + std::string(base::as_text(sum_of(as_bytes(bytes))));
  };
  const std::string whole = encode_sums(example(7, "content"));
  ASSERT_TRUE(decode_sums(signed_anew(whole)));
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{8}, std::size_t{40}, std::size_t{48}, std::size_t{104}}) {
    std::string changed = whole;
    changed[at] = static_cast<char>(0xff);
    EXPECT_FALSE(decode_sums(signed_anew(changed))) << at;
  }
}

TEST(BlockSummer, DependsOnTheBytesAndNotOnTheirPieces) {
  std::string data;
  for (std::size_t at = 0; at < kSumBlock * 2 + 1000; ++at) data += static_cast<char>(at * at / 77);
  BlockSummer whole, pieces;
  whole.update(as_bytes(data));
  for (std::size_t at = 0, step = 1; at < data.size(); at += step, step = step * 3 % 400'009) {
    pieces.update(as_bytes(std::string_view(data).substr(at, step)));
  }
  const std::vector<Sum> sums = whole.finish();
  EXPECT_EQ(pieces.finish(), sums);
  ASSERT_EQ(sums.size(), 3u);
  EXPECT_EQ(sums[1], sum_of(as_bytes(std::string_view(data).substr(kSumBlock, kSumBlock))));
  EXPECT_EQ(sums[2], sum_of(as_bytes(std::string_view(data).substr(2 * kSumBlock))));
}

TEST(SumOfFile, IsThatOfItsBytes) {
  io::MemEnv mem;
  const std::string data(700'001, 'q');
  mem.put_file("/a", data);
  std::uint64_t size = 0;
  EXPECT_EQ(sum_of_file(*mem.open_dir("/", io::Links::refuse)->open_file("a", io::Access::read), size),
            sum_of(as_bytes(data)));
  EXPECT_EQ(size, data.size());
}

}  // namespace
