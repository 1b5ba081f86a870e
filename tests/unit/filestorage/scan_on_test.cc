#include "filestorage/scan_on.h"

#include <gtest/gtest.h>

#include <vector>

#include "filestorage/probe.h"
#include "io/mem_env.h"
#include "support/errors.h"
#include "support/fs_builder.h"

namespace {

using namespace filestorage;

class ScanOn : public testing::Test {
 protected:
  io::File& file(const std::string& content) {
    mem_.put_file("/Data.fs", content);
    file_ = mem_.open_dir("/", io::Links::refuse)->open_file("Data.fs", io::Access::read);
    return *file_;
  }
  // The index of the first `part` bytes, carried on to the end of the file.
  ScanResult carried_on(const std::string& content, std::uint64_t part, Index& positions) {
    io::File& data = file(content);
    ScanOptions options;
    options.positions = &positions;
    options.limit = part;
    scan(data, options);
    options.limit = ~std::uint64_t{0};
    return scan_on(data, options, part, transaction_ending_at(data, part)->header.tid);
  }
  static std::vector<std::pair<Oid, std::uint64_t>> entries(const Index& index) {
    std::vector<std::pair<Oid, std::uint64_t>> all;
    index.for_each([&](Oid oid, std::uint64_t position) { all.emplace_back(oid, position); });
    return all;
  }

  io::MemEnv mem_;
  std::unique_ptr<io::File> file_;
};

TEST_F(ScanOn, MakesTheIndexThatAWholeScanMakes) {
  const std::string whole = support::school(25);
  Index at_once;
  ScanOptions options;
  options.positions = &at_once;
  const ScanResult all = scan(file(whole), options);
  for (const unsigned transactions : {1u, 7u, 24u, 25u}) {
    SCOPED_TRACE(transactions);
    const std::uint64_t part = support::school(transactions).size();
    Index carried;
    const ScanResult rest = carried_on(whole, part, carried);
    EXPECT_EQ(entries(carried), entries(at_once));
    EXPECT_EQ(rest.end, all.end);
    EXPECT_EQ(rest.transactions, all.transactions - transactions);
    EXPECT_TRUE(rest.findings.empty());
  }
}

TEST_F(ScanOn, TellsDamageAndTornEndsBehindThePlace) {
  const std::string whole = support::school(25);
  const std::uint64_t part = support::school(20).size();
  Index positions;
  EXPECT_EQ(carried_on(support::with_torn_tail(whole), part, positions).end, whole.size());
  std::string damaged = whole;
  damaged[support::school(22).size() + 15] ^= 1;  // its length
  Index others;
  const ScanResult result = carried_on(damaged, part, others);
  EXPECT_TRUE(result.damaged());
  EXPECT_EQ(result.end, support::school(22).size());
}

// The tid it is given counts: what follows has to be later.
TEST_F(ScanOn, ComparesWithTheTransactionBefore) {
  const std::string whole = support::school(5);
  const ScanResult result = scan_on(file(whole), {}, support::school(4).size(), ~Tid{0});
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].fault, Fault::tid_order);
}

TEST_F(ScanOn, RefusesPlacesOutsideOfTheFile) {
  io::File& data = file(support::school(5));
  for (const std::uint64_t position : {std::uint64_t{0}, std::uint64_t{3}, support::school(5).size() + 1}) {
    EXPECT_TRUE(support::fails_with(base::ErrorKind::usage, [&] { scan_on(data, {}, position, 0); }))
        << position;
  }
  EXPECT_EQ(scan_on(data, {}, 4, 0).transactions, 5u);
}

}  // namespace
