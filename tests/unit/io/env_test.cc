// What io/env.h builds on the primitives, and the small services of the POSIX environment.
#include "io/env.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

#include "io/hooked_env.h"
#include "io/mem_env.h"
#include "io/posix_env.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

using base::as_bytes;
using base::ErrorKind;
using io::Links;
using support::fails_with;

// Does at most three bytes at a time, and none at all when it is stuck.
class SlowFile : public io::File {
 public:
  std::string content;
  bool stuck = false;

  const std::string& path() const override { return path_; }
  std::size_t read_some(std::uint64_t offset, std::span<std::byte> into) override {
    if (offset >= content.size()) return 0;
    const std::size_t count = std::min({into.size(), content.size() - offset, std::size_t{3}});
    std::memcpy(into.data(), content.data() + offset, count);
    return count;
  }
  std::size_t write_some(std::uint64_t offset, base::ByteSpan bytes) override {
    const std::size_t count = stuck ? 0 : std::min<std::size_t>(bytes.size(), 3);
    if (content.size() < offset + count) content.resize(offset + count);
    std::memcpy(content.data() + offset, bytes.data(), count);
    return count;
  }
  std::uint64_t copy_some(File&, std::uint64_t, std::uint64_t, std::uint64_t) override { return 0; }
  bool clone_from(File&) override { return false; }
  io::FileStatus status() override { return {}; }
  void set_owner(io::Owner) override {}
  void set_mode(std::uint32_t) override {}
  void set_modified(base::UtcTime) override {}
  void truncate(std::uint64_t) override {}
  void reserve(std::uint64_t) override {}
  void start_writeback(std::uint64_t, std::uint64_t) override {}
  void drop_cache(std::uint64_t, std::uint64_t) override {}
  bool try_lock() override { return true; }
  void sync() override {}
  void close() override {}

 private:
  std::string path_ = "slow";
};

TEST(File, ReadsAndWritesInFullWhateverThePieces) {
  SlowFile file;
  file.write_full(2, as_bytes("0123456789"));
  EXPECT_EQ(file.content, std::string("\0\0"
                                      "0123456789",
                                      12));
  std::string buffer(20, '-');
  const auto bytes = std::as_writable_bytes(std::span(buffer));
  EXPECT_EQ(file.read_full(3, bytes.first(8)), 8U);
  EXPECT_EQ(buffer.substr(0, 9), "12345678-");
  EXPECT_EQ(file.read_full(3, bytes), 9U) << "up to the end";
  EXPECT_EQ(file.read_full(50, bytes), 0U);
}

TEST(File, DoesNotTryForEverWhenNothingIsWritten) {
  SlowFile file;
  file.stuck = true;
  file.write_full(0, {});
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { file.write_full(0, as_bytes("x")); }, "write 'slow'"));
}

class OpenOrMakeDir : public testing::Test {
 protected:
  unsigned mode(const std::string& name) {
    struct stat st {};
    EXPECT_EQ(::lstat((temp_ / name).c_str(), &st), 0) << name;
    return st.st_mode & 07777;
  }
  support::TempDir temp_;
  std::unique_ptr<io::Env> env_ = io::make_posix_env();
};

TEST_F(OpenOrMakeDir, MakesWhatIsMissing) {
  for (const mode_t mask : {mode_t{0}, mode_t{077}}) {
    const mode_t old = ::umask(mask);
    const std::string top = "a" + std::to_string(mask);
    open_or_make_dir(*env_, temp_ / top + "/b//c/", Links::refuse)->create_file("f", 0600);
    ::umask(old);
    EXPECT_EQ(mode(top), 0755U);
    EXPECT_EQ(mode(top + "/b"), 0755U);
    EXPECT_EQ(mode(top + "/b/c"), 0700U);
    EXPECT_EQ(mode(top + "/b/c/f"), 0600U);
  }
}

TEST_F(OpenOrMakeDir, LeavesWhatIsThere) {
  ASSERT_EQ(::mkdir((temp_ / "a").c_str(), 0711), 0);
  open_or_make_dir(*env_, temp_ / "a", Links::refuse);
  EXPECT_EQ(mode("a"), 0711U);
  EXPECT_EQ(open_or_make_dir(*env_, "/", Links::refuse)->path(), "/");
}

TEST_F(OpenOrMakeDir, MakesNothingThroughLinksOrFiles) {
  support::spill(temp_ / "file", "");
  ASSERT_EQ(::symlink("nowhere", (temp_ / "dangling").c_str()), 0);
  for (const char* name : {"file", "file/x", "dangling", "dangling/x"}) {
    for (const Links links : {Links::refuse, Links::administrator}) {
      EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { open_or_make_dir(*env_, temp_ / name, links); }))
          << name;
    }
  }
  EXPECT_FALSE(std::filesystem::exists(temp_ / "nowhere"));
  EXPECT_TRUE(fails_with(ErrorKind::usage, [&] { open_or_make_dir(*env_, "a/b", Links::refuse); }));
}

TEST(OpenOrMakeDirInMemory, MakesFoldersThatOutliveAPowerCut) {
  io::MemEnv mem;
  open_or_make_dir(mem, "/a/b/c", Links::refuse);
  mem.crash(io::Survives::synced_only, 0);
  EXPECT_TRUE(mem.status("/a/b/c"));
}

TEST(OpenOrMakeDirInMemory, TakesTheFolderThatAnotherProcessMakesAtThisMoment) {
  io::MemEnv mem;
  mem.put_dir("/a");
  const auto hooked = io::make_hooked_env(mem, [&](const io::Operation& operation) {
    if (operation.name == "make_dir") mem.open_dir("/a", Links::refuse)->make_dir("b", 0710);
    return io::no_limit;
  });
  EXPECT_EQ(open_or_make_dir(*hooked, "/a/b", Links::refuse)->status().mode, 0710U);
  mem.crash(io::Survives::synced_only, 0);
  EXPECT_TRUE(mem.status("/a/b")) << "whoever made it";
}

TEST(PosixEnv, KnowsTheTimeAndItsProcess) {
  const auto env = io::make_posix_env();
  EXPECT_EQ(env->process_id(), ::getpid());
  EXPECT_NEAR(static_cast<double>(env->now().seconds), static_cast<double>(std::time(nullptr)), 5);
  EXPECT_LT(env->now().nanoseconds, 1'000'000'000);
  const base::UtcTime before = env->now();
  env->sleep_ms(2);
  EXPECT_LT(before, env->now());
}

TEST(PosixEnv, GivesDifferentRandomNumbers) {
  const auto env = io::make_posix_env();
  EXPECT_NE(env->random(), env->random());
}

}  // namespace
