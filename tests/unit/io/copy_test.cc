#include "io/copy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "io/hooked_env.h"
#include "io/mem_env.h"
#include "io/posix_env.h"
#include "support/child.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

using base::ErrorKind;
using io::Access;
using io::copy_prefix;
using io::Links;
using support::fails_with;
using support::slurp;
using support::spill;

constexpr std::uint64_t kMb = 1 << 20;

class CopyPrefix : public testing::Test {
 protected:
  // Copies "a" to a new "b" in this folder.
  void copy(std::uint64_t length, io::Dir& dir, const io::OnProgress& progress = {}) {
    const auto source = dir.open_file("a", Access::read);
    const auto target = dir.create_file("b", 0600);
    copy_prefix(*source, *target, length, progress);
    EXPECT_EQ(target->status().size, length);
  }
  // Our folder, seen through a hook.
  std::unique_ptr<io::Dir> hooked(io::Hook hook) {
    hooked_ = io::make_hooked_env(*env_, std::move(hook));
    return hooked_->open_dir(temp_.path(), Links::refuse);
  }

  support::TempDir temp_;
  std::unique_ptr<io::Env> env_ = io::make_posix_env(), hooked_;
  std::unique_ptr<io::Dir> dir_ = env_->open_dir(temp_.path(), Links::refuse);
};

TEST_F(CopyPrefix, CopiesEveryLengthExactly) {
  const std::string content = support::noise(20 * kMb + 123, 1);
  spill(temp_ / "a", content);
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, 4096 + std::uint64_t{1}, 8 * kMb,
                                     8 * kMb + 1, content.size() - 1, content.size()}) {
    copy(length, *dir_);
    EXPECT_EQ(slurp(temp_ / "b"), content.substr(0, length)) << length;
    dir_->remove("b");
  }
}

TEST_F(CopyPrefix, CopiesWhateverThePiecesAre) {
  const std::string content = support::noise(3000, 2);
  spill(temp_ / "a", content);
  const auto dir = hooked([](const io::Operation& operation) {
    return operation.name == "copy_some" ? std::uint64_t{7} : io::no_limit;
  });
  copy(2999, *dir);
  EXPECT_EQ(slurp(temp_ / "b"), content.substr(0, 2999));
}

TEST_F(CopyPrefix, RefusesASourceThatIsTooShort) {
  spill(temp_ / "a", "abc");
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { copy(4, *dir_); }, "/a': ends at 3, before byte 4"));
  EXPECT_EQ(slurp(temp_ / "b"), "");
}

// The clone is of the whole source, whatever was written to it since its size was looked at.
TEST(CopyPrefixByReflink, CutsOffWhatIsBehindTheLength) {
  io::MemEnv mem;
  mem.set_reflink(true);
  const std::string content = support::noise(10'000, 3);
  mem.put_file("/d/a", content);
  const auto dir = mem.open_dir("/d", Links::refuse);
  for (const std::uint64_t length : {1u, 4096u, 9'999u, 10'000u}) {
    const auto source = dir->open_file("a", Access::read);
    const auto target = dir->create_file("b", 0600);
    std::uint64_t told = 0;
    copy_prefix(*source, *target, length, [&](std::uint64_t done) { told = done; });
    EXPECT_TRUE(*mem.content("/d/b") == content.substr(0, length)) << length;
    EXPECT_EQ(told, length);
    dir->remove("b");
  }
}

TEST(CopyPrefixByReflink, NoticesASourceThatIsCutMeanwhile) {
  io::MemEnv mem;
  mem.set_reflink(true);
  mem.put_file("/d/a", std::string(10'000, 'x'));
  const auto hooked = io::make_hooked_env(mem, [&](const io::Operation& operation) {
    if (operation.name == "clone_from") mem.put_file("/d/a", std::string(5'000, 'x'));
    return io::no_limit;
  });
  const auto dir = hooked->open_dir("/d", Links::refuse);
  const auto source = dir->open_file("a", Access::read);
  const auto target = dir->create_file("b", 0600);
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { copy_prefix(*source, *target, 9'000, {}); },
      "ends at 5000, before byte 9000"));
}

TEST_F(CopyPrefix, NoticesASourceThatIsCutMeanwhile) {
  spill(temp_ / "a", support::noise(10 * kMb, 3));
  bool cut = false;
  const auto dir = hooked([&](const io::Operation& operation) {
    const bool copying = operation.name == "copy_some" || operation.name == "clone_from";
    if (copying && !cut) {
      cut = true;
      dir_->open_file("a", Access::read_write)->truncate(kMb);
    }
    return io::no_limit;
  });
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { copy(10 * kMb, *dir); }, "ends at 1048576"));
}

TEST_F(CopyPrefix, TellsItsProgress) {
  spill(temp_ / "a", support::noise(20 * kMb, 4));
  std::vector<std::uint64_t> told;
  copy(20 * kMb, *dir_, [&](std::uint64_t done) { told.push_back(done); });
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(told.back(), 20 * kMb);
}

TEST_F(CopyPrefix, ReservesFirstAndStartsWriteBackEarly) {
  spill(temp_ / "a", support::noise(20 * kMb, 5));
  std::vector<std::string> order;
  const auto dir = hooked([&](const io::Operation& operation) {
    if (operation.path.ends_with("/b")) order.emplace_back(operation.name);
    return io::no_limit;
  });
  copy(20 * kMb, *dir);
  const auto first = [&](const char* name) {
    return std::find(order.begin(), order.end(), name) - order.begin();
  };
  if (first("copy_some") == std::ssize(order)) GTEST_SKIP() << "SKIPPED: the blocks were shared, not copied";
  EXPECT_LT(first("reserve"), first("copy_some"));
  EXPECT_GE(std::count(order.begin(), order.end(), "start_writeback"), 2);
}

TEST_F(CopyPrefix, NoticesAFullDiskBeforeItCopies) {
  if (!support::can_mount_tiny()) GTEST_SKIP() << "SKIPPED: a small file system cannot be mounted here";
  spill(temp_ / "a", support::noise(2 * kMb, 6));
  const auto source = dir_->open_file("a", Access::read);
  EXPECT_TRUE(support::passes_in_child([&] {
    support::mount_tiny(temp_.path(), kMb);
    const auto target = env_->open_dir(temp_.path(), Links::refuse)->create_file("b", 0600);
    EXPECT_TRUE(fails_with(
        ErrorKind::no_space, [&] { copy_prefix(*source, *target, 2 * kMb, {}); }, "reserve"));
    EXPECT_EQ(target->status().size, 0U);
    EXPECT_NO_THROW(copy_prefix(*source, *target, kMb / 2, {})) << "to another file system";
    EXPECT_EQ(target->status().size, kMb / 2);
  }));
}

}  // namespace
