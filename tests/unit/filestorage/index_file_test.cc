#include "filestorage/index_file.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/error.h"
#include "support/bytes_file.h"
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
  const std::vector<std::string> table = {
      "",
      "hello\n",
      "\x80\3N.",                                                          // no position
      "\x80\3J\xff\xff\xff\xff.\x80\3N.",                                  // a negative one
      "\x80\3\x8a\1\x80.\x80\3N.",                                         // another
      "\x80\3\x8a\xff",                                                    // a number of 255 bytes
      "L99999999999999999999L\n.N.",                                       // over 2^64
      "\x80\3K\xa2.",                                                      // ends there
      head + "N",                                                          // cut
      head + prefix + bucket + ".",                                        // no tuple
      head + prefix + bucket + bucket + "\x86.",                           // three values
      head + prefix + prefix + "\x86.\x80\3N.",                            // bucket not of eights
      head + bucket + bucket + "\x86.\x80\3N.",                            // prefix too long
      head + prefix + "C\0\x86.\x80\3N."s,                                 // empty bucket
      head + prefix + "C\10\0\0\0\0\0\0\0\0\x86.\x80\3N."s,                // position 0
      head + prefix + bucket + "\x86.\x80\3" + prefix + bucket + "\x86.",  // the same oid again
      head + prefix + "B\xff\xff\xff\xff",                                 // 4 GB
      head + prefix + "B\0\0\x09\0"s,                                      // more than a bucket can be
      head + "(" + prefix + "(" + bucket + "t.\x80\3N.",                   // two marks
      head + "cos\nsystem\n(S'true'\ntR.",                                 // not ours to run
      head + "\x86.",                                                      // a tuple of nothing
      head + "."};
  for (const std::string& bytes : table) {
    BytesFile file(bytes);
    std::string why;
    EXPECT_FALSE(read_index(file, why)) << base::to_hex(base::as_bytes(bytes));
    EXPECT_FALSE(why.empty());
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

}  // namespace
}  // namespace filestorage
