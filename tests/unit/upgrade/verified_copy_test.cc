#include "upgrade/verified_copy.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/error.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "support/fs_builder.h"
#include "support/scene.h"
#include "upgrade/fingerprint.h"

namespace upgrade {
namespace {

using base::ErrorKind;
using support::fails_with;
using support::in_data;
using support::school;

class VerifiedCopy : public testing::Test {
 protected:
  filestorage::ScanResult copy(io::Env& env, std::uint64_t length) {
    const auto dir = env.open_dir(support::kDataDir, io::Links::refuse);
    const auto source = dir->open_file("Data.fs", io::Access::read);
    const auto target = dir->create_file("copy", 0600);
    return copy_and_scan(*source, *target, length, {});
  }
  std::unique_ptr<io::Env> failing(std::string_view operation_name, std::string_view path) {
    return io::make_hooked_env(mem_, [=](const io::Operation& operation) -> std::uint64_t {
      if (operation.name == operation_name && operation.path.ends_with(path)) {
        throw base::Error::from_errno(std::string(operation.name), operation.path, EIO);
      }
      return io::no_limit;
    });
  }

  io::MemEnv mem_;
  support::Machine machine_{mem_};
};

TEST_F(VerifiedCopy, IsTheScanOfWhatWasWritten) {
  // Larger than the pieces in which it is copied and read.
  const std::string large = support::render(support::school_history(40'000));
  ASSERT_GT(large.size(), 16u << 20);
  for (const bool reflink : {false, true}) {
    mem_.remove_all(in_data("copy"));
    mem_.set_reflink(reflink);
    machine_.put("Data.fs", large);
    const auto scan = copy(mem_, large.size());
    EXPECT_EQ(scan.end, large.size());
    EXPECT_EQ(scan.transactions, 40'000u);
    EXPECT_FALSE(scan.damaged());
    const auto dir = mem_.open_dir(support::kDataDir, io::Links::refuse);
    const auto file = dir->open_file("copy", io::Access::read);
    ASSERT_EQ(scan.digests.size(), 1u);
    EXPECT_EQ(scan.digests[0], scan_whole(*file, large.size(), 0, nullptr, {}).digests[0]);
    EXPECT_EQ(file->status().size, large.size());
  }
}

TEST_F(VerifiedCopy, TakesAPrefixOnly) {
  machine_.put("Data.fs", support::with_torn_tail(school()));
  EXPECT_EQ(copy(mem_, school().size()).tail, filestorage::Tail::clean);
  EXPECT_BYTES(mem_.content(in_data("copy")), school());
}

TEST_F(VerifiedCopy, AFailureOfTheCopyIsThrownAndNobodyWaits) {
  machine_.put("Data.fs", school());
  const auto env = failing("copy_some", "copy");
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { copy(*env, school().size()); }, "copy"));
}

TEST_F(VerifiedCopy, AFailureOfTheReaderIsThrown) {
  machine_.put("Data.fs", school());
  const auto env = failing("read_some", "copy");
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { copy(*env, school().size()); }));
}

TEST_F(VerifiedCopy, ASourceThatIsTooShortIsCorrupt) {
  machine_.put("Data.fs", school());
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { copy(mem_, school().size() + 1); }));
}

TEST_F(VerifiedCopy, DamageIsInTheResult) {
  std::string live = school();
  machine_.put("Data.fs", live.replace(live.size() / 2, 200, std::string(200, '\xee')));
  EXPECT_TRUE(copy(mem_, live.size()).damaged());
}

}  // namespace
}  // namespace upgrade
