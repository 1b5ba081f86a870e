// Open files of the POSIX environment.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/posix_env.h"
#include "support/child.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

using base::as_bytes;
using base::ErrorKind;
using io::Access;
using io::Links;
using support::fails_with;
using support::slurp;
using support::spill;

class PosixFile : public testing::Test {
 protected:
  std::unique_ptr<io::File> create(const std::string& name) { return dir_->create_file(name, 0600); }
  std::unique_ptr<io::File> open(const std::string& name) { return dir_->open_file(name, Access::read); }
  std::string read_all(io::File& file) {
    std::string content(file.status().size, '\0');
    EXPECT_EQ(file.read_full(0, std::as_writable_bytes(std::span(content))), content.size());
    return content;
  }

  support::TempDir temp_;
  std::unique_ptr<io::Env> env_ = io::make_posix_env();
  std::unique_ptr<io::Dir> dir_ = env_->open_dir(temp_.path(), Links::refuse);
};

TEST_F(PosixFile, WritesAndReadsAtOffsets) {
  const auto file = create("f");
  file->write_full(3, as_bytes("def"));
  file->write_full(0, as_bytes("abc"));
  file->write_full(8, as_bytes("!"));
  EXPECT_EQ(slurp(temp_ / "f"), std::string("abcdef\0\0!", 9));
  std::string middle(3, '\0');
  EXPECT_EQ(file->read_full(2, std::as_writable_bytes(std::span(middle))), 3U);
  EXPECT_EQ(middle, "cde");
  EXPECT_EQ(file->path(), temp_ / "f");
}

TEST_F(PosixFile, ReadsNothingBehindTheEnd) {
  spill(temp_ / "f", "abc");
  const auto file = open("f");
  std::string buffer(10, '-');
  const auto bytes = std::as_writable_bytes(std::span(buffer));
  EXPECT_EQ(file->read_some(3, bytes), 0U);
  EXPECT_EQ(file->read_some(1000, bytes), 0U);
  EXPECT_EQ(file->read_full(1, bytes), 2U);
  EXPECT_EQ(buffer, "bc--------");
}

TEST_F(PosixFile, RefusesOffsetsThatDoNotExist) {
  const auto file = create("f");
  std::string buffer(1, '-');
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { file->read_some(~std::uint64_t{0}, std::as_writable_bytes(std::span(buffer))); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->write_some(std::uint64_t{1} << 63, as_bytes("x")); }));
}

TEST_F(PosixFile, RefusesToWriteWhatWasOpenedForReading) {
  spill(temp_ / "f", "abc");
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { open("f")->write_some(0, as_bytes("x")); }, "write"));
  EXPECT_EQ(slurp(temp_ / "f"), "abc");
}

TEST_F(PosixFile, CopiesAPieceBetweenFiles) {
  spill(temp_ / "a", "0123456789");
  const auto source = open("a");
  const auto target = create("b");
  EXPECT_EQ(target->copy_some(*source, 2, 1, 5), 5U);
  EXPECT_EQ(slurp(temp_ / "b"), std::string("\0"
                                            "23456",
                                            6));
  EXPECT_EQ(target->copy_some(*source, 8, 6, 100), 2U) << "up to the end of the source";
  EXPECT_EQ(target->copy_some(*source, 10, 8, 100), 0U) << "the end";
  EXPECT_EQ(target->copy_some(*source, 99, 8, 100), 0U);
  EXPECT_EQ(slurp(temp_ / "b"), std::string("\0"
                                            "2345689",
                                            8));
}

TEST_F(PosixFile, CopiesThroughABufferWhereTheKernelWillNot) {
  // Overlapping ranges of one file: copy_file_range(2) answers EINVAL.
  spill(temp_ / "f", "0123456789");
  const auto file = dir_->open_file("f", Access::read_write);
  EXPECT_EQ(file->copy_some(*file, 0, 4, 6), 6U);
  EXPECT_EQ(slurp(temp_ / "f"), "0123012345");
}

TEST_F(PosixFile, CopiesFilesThatHideTheirSize) {
  const auto proc = env_->open_dir("/proc/sys/kernel", Links::refuse)->open_file("ostype", Access::read);
  const auto target = create("b");
  EXPECT_EQ(target->copy_some(*proc, 0, 0, 100), 6U);
  EXPECT_EQ(slurp(temp_ / "b"), "Linux\n");
}

TEST_F(PosixFile, SharesBlocksOrSaysThatItCannot) {
  const std::string content = support::noise(100'000, 1);
  spill(temp_ / "a", content);
  const auto target = create("b");
  const bool shared = target->clone_from(*open("a"));
  EXPECT_EQ(slurp(temp_ / "b"), shared ? content : "");
}

TEST_F(PosixFile, TellsItsStatus) {
  spill(temp_ / "f", std::string(10'000, 'x'));
  ASSERT_EQ(::chmod((temp_ / "f").c_str(), 0640), 0);
  const auto file = dir_->open_file("f", Access::read_write);
  file->set_modified({1'000'000'000, 123'456'000});
  const io::FileStatus status = file->status();
  EXPECT_EQ(status.type, io::FileType::regular);
  EXPECT_EQ(status.mode, 0640U);
  EXPECT_EQ(status.owner, (io::Owner{::geteuid(), ::getegid()}));
  EXPECT_EQ(status.size, 10'000U);
  EXPECT_EQ(status.links, 1U);
  EXPECT_EQ(status.modified, (base::UtcTime{1'000'000'000, 123'456'000}));
  EXPECT_TRUE(status.same_file(*dir_->status("f")));
  EXPECT_FALSE(status.same_file(dir_->status()));
}

TEST_F(PosixFile, ChangesModeAndSize) {
  const auto file = create("f");
  file->set_mode(04751);
  EXPECT_EQ(file->status().mode, 04751U);
  file->truncate(70'000);
  EXPECT_EQ(file->status().size, 70'000U);
  file->truncate(1);
  EXPECT_EQ(file->status().size, 1U);
}

TEST_F(PosixFile, ChangesItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: only root can give a file away";
  const auto file = create("f");
  file->set_owner({12345, 23456});
  EXPECT_EQ(file->status().owner, (io::Owner{12345, 23456}));
}

TEST_F(PosixFile, ReservesSpaceWithoutChangingTheSize) {
  const auto file = create("f");
  file->reserve(0);
  file->reserve(1 << 20);
  const io::FileStatus status = file->status();
  EXPECT_EQ(status.size, 0U);
  EXPECT_TRUE(status.allocated == 0 || status.allocated >= 1 << 20) << status.allocated;
}

TEST_F(PosixFile, TakesHintsAndSyncs) {
  const auto file = create("f");
  file->write_full(0, as_bytes("abc"));
  file->start_writeback(0, 3);
  file->sync();
  file->drop_cache(0, 3);
  EXPECT_EQ(read_all(*file), "abc");
}

TEST_F(PosixFile, IsOfNoUseAfterClose) {
  const auto file = create("f");
  file->close();
  file->close();
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { file->write_some(0, as_bytes("x")); }, "Bad file descriptor"));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->sync(); }));
}

TEST_F(PosixFile, LocksAgainstOtherOpenFiles) {
  const auto first = create("f");
  const auto second = open("f");
  EXPECT_TRUE(first->try_lock());
  EXPECT_TRUE(first->try_lock()) << "ours already";
  EXPECT_FALSE(second->try_lock());
  first->close();
  EXPECT_TRUE(second->try_lock());
}

TEST_F(PosixFile, ReportsAFullDisk) {
  if (!support::can_mount_tiny()) GTEST_SKIP() << "SKIPPED: a small file system cannot be mounted here";
  EXPECT_TRUE(support::passes_in_child([&] {
    support::mount_tiny(temp_.path(), 256 * 1024);
    const auto tiny = env_->open_dir(temp_.path(), Links::refuse);
    const auto file = tiny->create_file("f", 0600);
    const std::string content(1 << 20, 'x');
    EXPECT_TRUE(fails_with(
        ErrorKind::no_space, [&] { file->write_full(0, as_bytes(content)); }, "write"));
    file->truncate(0);
    EXPECT_TRUE(fails_with(
        ErrorKind::no_space, [&] { file->reserve(1 << 20); }, "reserve"));
    EXPECT_EQ(tiny->space().total, 256U * 1024);
  }));
}

TEST_F(PosixFile, TellsOfShortWrites) {
  EXPECT_TRUE(support::passes_in_child([&] {
    const auto file = create("f");
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    const std::string content = support::noise(3000, 7);
    EXPECT_EQ(file->write_some(0, as_bytes(content)), 1000U);
    EXPECT_TRUE(fails_with(
        ErrorKind::io, [&] { file->write_full(0, as_bytes(content)); }, "File too large"));
    EXPECT_EQ(read_all(*file), content.substr(0, 1000));
  }));
}

}  // namespace
