#include "filestorage/index_file.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/error.h"
#include "filestorage/format.h"
#include "support/bytes_file.h"
#include "support/file_builder.h"
#include "support/fixture.h"
#include "support/index_text.h"

namespace filestorage {
namespace {

using support::BytesFile;
using std::string_literals::operator""s;

Index some_positions() {
  Index index;
  std::mt19937_64 random(11);
  for (Oid oid = 0; oid < 70000; ++oid) index.set(oid, 4 + random() % 1000000);
  for (int i = 0; i < 100; ++i) index.set(random(), 4 + random() % (std::uint64_t{1} << 48) / 2);
  return index;
}

TEST(WriteIndex, WritesTheDocumentedExample) {
  Index index;
  index.set(0, 31);
  BytesFile file;
  const std::uint64_t size = write_index(file, index, 162, IndexDialect::protocol3, IndexStrings::python3);
  EXPECT_EQ(file.content, "\x80\3K\xa2.\x80\3C\6\0\0\0\0\0\0C\10\0\0\0\0\0\0\0\x1f\x86.\x80\3N."s);
  EXPECT_EQ(size, file.content.size());
}

TEST(WriteIndex, WritesPositionsAsPythonPicklesIntegers) {
  const std::vector<std::pair<std::uint64_t, std::string>> table = {
      {0, "K\0"s},
      {255, "K\xff"s},
      {256, "M\0\1"s},
      {65535, "M\xff\xff"s},
      {65536, "J\0\0\1\0"s},
      {0x7fffffff, "J\xff\xff\xff\x7f"s},
      {0x80000000, "\x8a\5\0\0\0\x80\0"s},
      {0x7fffffffff, "\x8a\5\xff\xff\xff\xff\x7f"s},
      {0x8000000000, "\x8a\6\0\0\0\0\x80\0"s}};
  for (const auto& [position, bytes] : table) {
    BytesFile file;
    write_index(file, Index(), position, IndexDialect::protocol3, IndexStrings::python3);
    EXPECT_EQ(file.content, "\x80\3" + bytes + ".\x80\3N.");
    BytesFile old;
    write_index(old, Index(), position, IndexDialect::protocol1, IndexStrings::python2);
    EXPECT_EQ(old.content, "L" + std::to_string(position) + "L\n.N.");
  }
}

// ZODB3 3.10 after a pack pickles an int of Python 2, which protocol 1 has no bytes for beyond 31 bits.
TEST(WriteIndex, WritesPositionsAfterAPackAsPython2PicklesAnInt) {
  const std::vector<std::pair<std::uint64_t, std::string>> table = {{255, "K\xff"s},
                                                                    {65535, "M\xff\xff"s},
                                                                    {0x7fffffff, "J\xff\xff\xff\x7f"s},
                                                                    {0x80000000, "I2147483648\n"s},
                                                                    {0x8000000000, "I549755813888\n"s}};
  for (const auto& [position, bytes] : table) {
    BytesFile file;
    write_index(file, Index(), position, IndexDialect::protocol1_after_pack, IndexStrings::python2);
    EXPECT_EQ(file.content, bytes + ".N.");
    std::string why;
    EXPECT_EQ(read_index(file, why)->position, position) << why;
  }
}

TEST(WriteIndex, RefusesPositionsThatDoNotFit) {
  Index index;
  index.set(1, std::uint64_t{1} << 48);
  BytesFile file;
  EXPECT_THROW(write_index(file, index, 4, IndexDialect::protocol3, IndexStrings::python3), base::Error);
}

TEST(ReadIndex, ReadsWhatWasWrittenInEveryForm) {
  const Index index = some_positions();
  for (const IndexDialect dialect : {IndexDialect::protocol1, IndexDialect::protocol3}) {
    for (const IndexStrings strings : {IndexStrings::python2, IndexStrings::python3}) {
      for (const std::uint64_t position :
           {std::uint64_t{100}, std::uint64_t{70000}, std::uint64_t{1} << 40}) {
        BytesFile file;
        write_index(file, index, position, dialect, strings);
        std::string why;
        const auto loaded = read_index(file, why);
        ASSERT_TRUE(loaded) << why;
        EXPECT_EQ(loaded->position, position);
        EXPECT_EQ(loaded->python2_only, strings == IndexStrings::python2);
        EXPECT_EQ(support::index_text(loaded->positions), support::index_text(index));
      }
    }
  }
}

TEST(ReadIndex, PassesOverMemoOpcodes) {
  const std::string entry = "C\6\0\0\0\0\0\0q\1C\10\0\0\0\0\0\0\0\x1fr\2\0\0\0\x86q\3."s;
  for (const std::string& bytes :
       {"\x80\3K\xa2.\x80\3" + entry + "\x80\3N.",                      // put
        "\x80\4\x95\3\0\0\0\0\0\0\0K\xa2.\x80\4C\6\0\0\0\0\0\0\x94"s +  // memoize, frames
            "C\10\0\0\0\0\0\0\0\x1f\x94\x86\x94.\x80\4N."s,
        "I162\n.(U\6\0\0\0\0\0\0p1\nU\10\0\0\0\0\0\0\0\x1fp2\ntp3\n.N."s}) {  // protocol 0 and 1
    BytesFile file(bytes);
    std::string why;
    const auto loaded = read_index(file, why);
    ASSERT_TRUE(loaded) << why;
    EXPECT_EQ(loaded->position, 162u);
    EXPECT_EQ(loaded->positions.size(), 1u);
    EXPECT_EQ(loaded->positions.get(0), 31u);
  }
}

TEST(ReadIndex, RefusesWhatIsNotAnIndex) {
  const std::string head = "\x80\3K\xa2.\x80\3";
  const std::string prefix = "C\6\0\0\0\0\0\0"s;
  const std::string bucket = "C\10\0\0\0\0\0\0\0\x1f"s;
  const std::string end = "\x86.\x80\3N.";
  BytesFile good(head + prefix + bucket + end);
  std::string none;
  ASSERT_TRUE(read_index(good, none));
  const std::vector<std::string> table = {
      "",
      "hello\n",
      "\x80\3N.",                                                                  // no position
      "\x80\3J\xff\xff\xff\xff.\x80\3N.",                                          // a negative one
      "\x80\3\x8a\1\x80.\x80\3N.",                                                 // another
      "\x80\3\x8a\xff",                                                            // a number of 255 bytes
      "\x80\3\x8a\t\xa2\0\0\0\0\0\0\0\1.\x80\3N."s,                                // 2^64 and more
      "L99999999999999999999L\n.N.",                                               // over 2^64
      "\x80\3K\xa2.",                                                              // ends there
      head + "N",                                                                  // cut
      head + prefix + bucket + ".",                                                // no tuple
      head + prefix + bucket + bucket + "\x86.",                                   // three values
      head + prefix + prefix + "\x86.\x80\3N.",                                    // bucket not of eights
      head + bucket + bucket + "\x86.\x80\3N.",                                    // prefix too long
      head + prefix + "C\0\x86.\x80\3N."s,                                         // empty bucket
      head + prefix + "C\10\0\0\0\0\0\0\0\0\x86.\x80\3N."s,                        // position 0
      head + prefix + bucket + "\x86.\x80\3" + prefix + bucket + end,              // the same oid again
      head + "C\6\0\0\0\0\0\1"s + bucket + "\x86.\x80\3" + prefix + bucket + end,  // falling oids
      head + prefix + "B\xff\xff\xff\xff",                                         // 4 GB
      head + prefix + "B\0\0\x09\0"s,                     // more than a bucket can be
      head + "(" + prefix + "(" + bucket + "t.\x80\3N.",  // two marks
      head + "cos\nsystem\n(S'true'\ntR.",                // not ours to run
      head + "\x86.",                                     // a tuple of nothing
      head + "."};
  for (const std::string& bytes : table) {
    BytesFile file(bytes);
    std::string why;
    EXPECT_FALSE(read_index(file, why)) << base::to_hex(base::as_bytes(bytes));
    EXPECT_FALSE(why.empty());
  }
}

// A string with more than all the oids of a prefix: it is not even read to its end.
TEST(ReadIndex, TakesNoMoreIntoMemoryThanAPrefixCanHave) {
  for (const std::size_t oids : {std::size_t{65536}, std::size_t{65537}, std::size_t{200'000}}) {
    const std::size_t size = oids * 8;
    std::string length(4, '\0');
    for (int i = 0; i < 4; ++i) length[static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * i));
    BytesFile file("\x80\3K\xa2.\x80\3C\6\0\0\0\0\0\0B"s + length);
    for (std::size_t oid = 0; oid < oids; ++oid) {
      file.content += static_cast<char>(oid >> 8);
      file.content += static_cast<char>(oid);
    }
    for (std::size_t oid = 0; oid < oids; ++oid) file.content += "\0\0\0\0\0\x1f"s;
    file.content += "\x86.\x80\3N.";
    std::string why;
    const auto loaded = read_index(file, why);
    EXPECT_EQ(loaded.has_value(), oids == 65536) << oids;
    if (!loaded) {
      EXPECT_LT(file.bytes_read, 100'000u);
    }
  }
}

TEST(ReadIndex, RefusesItselfCutAnywhere) {
  const std::string whole = support::read_fixture("fs/fs30-many-oids/Data.fs.index");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    BytesFile file(whole.substr(0, size));
    std::string why;
    EXPECT_FALSE(read_index(file, why)) << size;
  }
}

TEST(IndexIsBelievable, OnlyWithABoundaryAndItsRecords) {
  BytesFile data(support::read_fixture("fs/fs30-undo/Data.fs"));
  BytesFile file(support::read_fixture("fs/fs30-undo/Data.fs.index"));
  std::string why;
  auto loaded = read_index(file, why);
  ASSERT_TRUE(loaded);
  const std::uint64_t size = data.content.size();
  EXPECT_TRUE(index_is_believable(data, size, *loaded, why));
  EXPECT_FALSE(index_is_believable(data, size - 1, *loaded, why));
  for (const std::uint64_t position :
       {std::uint64_t{0}, std::uint64_t{99}, size - 1, size + 1, ~std::uint64_t{0}}) {
    LoadedIndex other{position, Index(), false};
    loaded->positions.for_each([&](Oid oid, std::uint64_t value) { other.positions.set(oid, value); });
    why.clear();
    EXPECT_FALSE(index_is_believable(data, size, other, why)) << position;
    EXPECT_FALSE(why.empty());
  }
}

// A database of transactions of one record each, with the status and the size of data told for each.
struct Life {
  BytesFile data;
  LoadedIndex index;
  std::uint64_t last = 0;  // position of the last transaction

  explicit Life(std::initializer_list<std::pair<char, std::size_t>> transactions) {
    support::FileBuilder builder([this](std::string_view part) { data.content += part; });
    base::Tid tid = 0x0398f82b40865944;
    for (const auto& [status, size] : transactions) {
      last = builder.end();
      builder.begin(tid++);
      const std::uint64_t record = builder.record(0, std::string(size, 'x'));
      builder.finish(status);
      if (status != 'u') index.positions.set(0, record);
    }
    index.position = builder.end();
  }
  bool is_believable() {
    std::string why;
    return index_is_believable(data, data.content.size(), index, why);
  }
};

TEST(IndexIsBelievable, ByTheLastTransactionWhoseRecordsCount) {
  EXPECT_TRUE(Life({{' ', 50}, {' ', 50}}).is_believable());
  EXPECT_TRUE(Life({{' ', 50}, {'p', 50}}).is_believable());
  EXPECT_TRUE(Life({{' ', 50}, {'u', 50}}).is_believable());
  EXPECT_FALSE(Life({{' ', 50}, {'c', 50}}).is_believable());
  EXPECT_FALSE(Life({{' ', 50}, {'x', 50}}).is_believable());
}

TEST(IndexIsBelievable, NotBelowThePositionThatZodbDemands) {
  const Life small({{' ', 16}});
  EXPECT_EQ(small.index.position, 93u);
  EXPECT_FALSE(Life({{' ', 16}}).is_believable());
  EXPECT_FALSE(Life({{' ', 22}}).is_believable()) << "99";
  EXPECT_TRUE(Life({{' ', 23}}).is_believable()) << "100";
}

TEST(IndexIsBelievable, NotIfARecordNamesAnotherTransaction) {
  Life life({{' ', 50}, {' ', 50}});
  ASSERT_TRUE(life.is_believable());
  life.data.content[life.last + kTransactionHeaderSize + 31] ^= 1;
  EXPECT_FALSE(life.is_believable());
}

}  // namespace
}  // namespace filestorage
