// Databases made to keep a pack busy for ever: undos in long chains, or thousands of them to one place. A
// pack reads no more than a few times what stands in the file.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "base/error.h"
#include "filestorage/pack.h"
#include "io/hooked_env.h"
#include "io/mem_env.h"
#include "support/errors.h"
#include "support/file_builder.h"
#include "support/pack_case.h"

namespace filestorage {
namespace {

constexpr Tid kFirst = 1000;
constexpr int kMany = 1000;
constexpr std::uint64_t kRead = 512;  // what a read costs besides its bytes, in bytes

const std::string kLeaf = "cschool\nSheet\n.N.";

std::string large() {
  return "cschool\nFile\n.T" + std::string("\0\0\4\0", 4) + std::string(0x40000, 'x') + ".";
}

// Refers to the objects 1 to `count`.
std::string root(int count) {
  std::string text =
      "\x80\x03"
      "cschool\nRoot\n.\x80\x03](";
  for (int i = 1; i <= count; ++i) {
    std::string oid(8, '\0');
    base::store_be(reinterpret_cast<std::byte*>(oid.data()), static_cast<std::uint64_t>(i));
    text += "C\x08" + oid + "Q";
  }
  return text + "e.";
}

class PackEffort : public testing::Test {
 protected:
  template <typename Fill>
  void put(Fill fill) {
    std::string bytes;
    support::FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; });
    fill(builder);
    size = bytes.size();
    mem.put_dir("/data/blobs", support::kPackOwner, 0750);
    mem.put_file("/data/Data.fs", bytes, support::kPackOwner, 0640);
  }
  // Packs to `stop`, and tells how many times the file's size was read.
  std::uint64_t effort(Tid stop, bool gc) {
    std::atomic<std::uint64_t> read{0};
    const auto env = io::make_hooked_env(mem, [&read](const io::Operation& operation) {
      if (operation.name == "read_some") read += operation.bytes + kRead;
      return io::no_limit;
    });
    PackRequest request;
    request.options.stop = stop;
    request.options.collect_garbage = gc;
    request.blobs = "/data/blobs";
    const std::string before = *mem.content("/data/Data.fs");
    plan_pack(*env, "/data", "Data.fs", request);
    EXPECT_EQ(pack(*env, "/data", "Data.fs", request).outcome, PackOutcome::packed);
    mem.put_file("/data/Data.fs", before, support::kPackOwner, 0640);
    return read / size;
  }

  io::MemEnv mem;
  std::uint64_t size = 0;
};

TEST_F(PackEffort, OfUndosInAChainIsThatOfReadingThem) {
  put([](support::FileBuilder& builder) {
    builder.begin(kFirst);
    builder.record(0, root(1));
    std::uint64_t last = builder.record(1, kLeaf);
    builder.finish();
    for (Tid i = 1; i <= kMany; ++i) {
      builder.begin(kFirst + i);
      last = builder.back_pointer(1, last);
      builder.finish();
    }
    builder.begin(kFirst + kMany + 1);
    builder.record(0, root(1));
    builder.finish();
  });
  for (const Tid stop : {kFirst + kMany + 1, kFirst + kMany / 2}) {
    for (const bool gc : {true, false}) {
      EXPECT_LT(effort(stop, gc), 1000u) << stop << " " << gc;
    }
  }
}

TEST_F(PackEffort, OfUndosThatAllLeadIntoOneTransactionIsThatOfReadingIt) {
  put([](support::FileBuilder& builder) {
    builder.begin(kFirst);
    builder.record(2 * kMany, kLeaf);
    builder.finish();
    builder.begin(kFirst + 1);
    builder.record(0, root(kMany));
    std::vector<std::uint64_t> at;
    for (Oid oid = 1; oid <= kMany; ++oid) at.push_back(builder.record(oid, kLeaf));
    builder.finish();
    builder.begin(kFirst + 2);
    builder.record(2 * kMany + 1, large());  // so much that what stands before it is in the file
    builder.finish();
    builder.begin(kFirst + 3);
    for (Oid oid = 1; oid <= kMany; ++oid) builder.back_pointer(oid, at[static_cast<std::size_t>(oid) - 1]);
    builder.finish();
  });
  EXPECT_LT(effort(kFirst + 1, true), 100u);
}

TEST_F(PackEffort, OfUndosThatAllLeadToOneLargeRecordIsThatOfReadingIt) {
  put([](support::FileBuilder& builder) {
    builder.begin(kFirst);
    builder.record(0, root(1));
    builder.record(2, kLeaf);
    builder.finish();
    builder.begin(kFirst + 1);
    builder.record(0, root(1));
    const std::uint64_t target = builder.record(1, large());
    builder.record(1, large());  // the same data in the same transaction: it stands in for the other
    builder.finish();
    for (Tid i = 2; i < kMany / 4; ++i) {
      builder.begin(kFirst + i);
      builder.back_pointer(1, target);
      builder.finish();
    }
  });
  for (const bool gc : {true, false}) EXPECT_LT(effort(kFirst + 1, gc), 100u) << gc;
}

TEST_F(PackEffort, AnotherObjectsDataIsRefused) {
  put([](support::FileBuilder& builder) {
    builder.begin(kFirst);
    const std::uint64_t at = builder.record(0, root(1));
    builder.record(1, kLeaf);
    builder.finish();
    builder.begin(kFirst + 1);
    builder.back_pointer(1, at);
    builder.finish();
  });
  EXPECT_TRUE(support::fails_with(
      base::ErrorKind::corrupt, [&] { effort(kFirst + 1, true); }, "leads to another object's record"));
}

}  // namespace
}  // namespace filestorage
