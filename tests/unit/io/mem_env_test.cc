#include "io/mem_env.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/errors.h"

namespace io {
namespace {

using base::ErrorKind;
using support::fails_with;

constexpr std::size_t kBlock = 4096;

void write(File& file, const std::string& text, std::uint64_t offset = 0) {
  file.write_full(offset, base::as_bytes(text));
}

std::unique_ptr<File> make(Dir& dir, const std::string& name, const std::string& text) {
  auto file = dir.create_file(name, 0600);
  write(*file, text);
  return file;
}

std::unique_ptr<Dir> open(MemEnv& env, const std::string& path) {
  return env.open_dir(path, Links::refuse);
}

// ---- room

TEST(MemEnvSpace, WritesWhatFitsAndThenRefuses) {
  MemEnv env;
  env.set_capacity(3 * kBlock);
  const auto dir = open(env, "/");
  const auto file = dir->create_file("a", 0600);
  const std::string text(4 * kBlock, 'x');
  EXPECT_EQ(file->write_some(0, base::as_bytes(text)), 3 * kBlock);
  EXPECT_EQ(dir->space().free, 0u);
  EXPECT_EQ(dir->space().total, 3 * kBlock);
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { file->write_some(3 * kBlock, base::as_bytes(text)); }));
  EXPECT_EQ(file->write_some(kBlock, base::as_bytes(text).first(kBlock)), kBlock);  // over its own blocks
  EXPECT_EQ(file->status().size, 3 * kBlock);
  EXPECT_EQ(file->status().allocated, 3 * kBlock);
}

TEST(MemEnvSpace, CopiesWhatFitsAndThenRefuses) {
  MemEnv env;
  env.put_file("/a", std::string(4 * kBlock, 'x'));
  env.set_capacity(6 * kBlock);
  const auto dir = open(env, "/");
  const auto from = dir->open_file("a", Access::read), to = dir->create_file("b", 0600);
  EXPECT_EQ(to->copy_some(*from, 0, 0, 4 * kBlock), 2 * kBlock);
  EXPECT_TRUE(
      fails_with(ErrorKind::no_space, [&] { to->copy_some(*from, 2 * kBlock, 2 * kBlock, 2 * kBlock); }));
}

TEST(MemEnvSpace, KeepsReservedRoomForTheFile) {
  MemEnv env;
  env.set_capacity(4 * kBlock);
  const auto dir = open(env, "/");
  const auto file = dir->create_file("a", 0600), other = dir->create_file("b", 0600);
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { file->reserve(4 * kBlock + 1); }));
  file->reserve(3 * kBlock);
  EXPECT_EQ(file->status().size, 0u);
  EXPECT_EQ(file->status().allocated, 3 * kBlock);
  const std::string text(4 * kBlock, 'x');
  EXPECT_EQ(other->write_some(0, base::as_bytes(text)), kBlock);
  EXPECT_EQ(file->write_some(0, base::as_bytes(text)), 3 * kBlock);
  file->truncate(kBlock);
  EXPECT_EQ(dir->space().free, 2 * kBlock);
}

TEST(MemEnvSpace, ComesBackWithTheLastNameAndTheLastOpenFile) {
  MemEnv env;
  env.set_capacity(2 * kBlock);
  const auto dir = open(env, "/");
  auto file = make(*dir, "a", std::string(2 * kBlock, 'x'));
  dir->remove("a");
  EXPECT_EQ(dir->space().free, 0u);
  std::string text(3, ' ');
  EXPECT_EQ(file->read_full(0, std::as_writable_bytes(std::span(text))), 3u);
  file.reset();
  EXPECT_EQ(dir->space().free, 2 * kBlock);
}

TEST(MemEnvSpace, IsSharedByAReflinkUntilOneSideIsWritten) {
  MemEnv env;
  env.put_file("/a", std::string(3 * kBlock, 'x'));
  env.set_capacity(4 * kBlock);
  const auto dir = open(env, "/");
  const auto from = dir->open_file("a", Access::read), to = dir->create_file("b", 0600);
  EXPECT_FALSE(to->clone_from(*from));
  EXPECT_EQ(to->status().size, 0u);
  env.set_reflink(true);
  ASSERT_TRUE(to->clone_from(*from));
  EXPECT_EQ(env.content("/b"), env.content("/a"));
  EXPECT_EQ(dir->space().free, kBlock);
  write(*to, "y");
  EXPECT_EQ(dir->space().free, 0u);
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { write(*to, "y", kBlock); }));
  EXPECT_EQ(env.content("/a"), std::string(3 * kBlock, 'x'));
  dir->remove("a");
  from->close();
  EXPECT_EQ(dir->space().free, kBlock);
}

TEST(MemEnvSpace, IsCountedAnewAfterACrash) {
  MemEnv env;
  env.put_file("/a", std::string(2 * kBlock, 'x'));
  env.set_capacity(4 * kBlock);
  const auto dir = open(env, "/");
  const auto file = dir->create_file("b", 0600);
  file->reserve(2 * kBlock);
  EXPECT_EQ(dir->space().free, 0u);
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(open(env, "/")->space().free, 2 * kBlock);
}

TEST(MemEnvSpace, IsNotTakenByHoles) {
  MemEnv env;
  env.set_capacity(kBlock);
  const auto file = open(env, "/")->create_file("a", 0600);
  file->truncate(std::uint64_t{1} << 40);
  write(*file, "end", (std::uint64_t{1} << 20) - 3);
  EXPECT_EQ(file->status().allocated, kBlock);
  std::vector<std::byte> bytes(2, std::byte{1});
  EXPECT_EQ(file->read_some(std::uint64_t{1} << 30, bytes), 2u);
  EXPECT_EQ(bytes, std::vector<std::byte>(2));
}

// ---- the rest

TEST(MemEnv, SetsScenesThatAreDurable) {
  MemEnv env;
  env.put_file("/a/b/f", "text", {1, 2}, 0640);
  env.put_symlink("/a/l", "b/f", {3, 3});
  env.put_special("/a/p", FileType::fifo);
  env.put_dir("/a/b", {4, 4}, 0711);
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(env.list("/a"), (std::vector<std::string>{"b", "l", "p"}));
  EXPECT_EQ(env.content("/a/b/f"), "text");
  EXPECT_EQ(env.status("/a/b/f")->owner, (Owner{1, 2}));
  EXPECT_EQ(env.status("/a/b/f")->mode, 0640u);
  EXPECT_EQ(env.status("/a/l")->type, FileType::symlink);
  EXPECT_EQ(env.status("/a/l")->size, 3u);
  EXPECT_EQ(env.status("/a/p")->type, FileType::fifo);
  EXPECT_EQ(env.status("/a/b")->mode, 0711u);
  env.remove_all("/a");
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(env.list("/"), std::vector<std::string>{});
}

TEST(MemEnv, WritesOverAFileOfTheSceneInPlace) {
  MemEnv env;
  env.put_file("/f", "old");
  const auto file = open(env, "/")->open_file("f", Access::read);
  env.put_file("/f", "grown");
  EXPECT_EQ(file->status().size, 5u);
  env.put_symlink("/f", "elsewhere");
  EXPECT_EQ(env.status("/f")->type, FileType::symlink);
  EXPECT_EQ(file->status().links, 0u);
}

TEST(MemEnv, HasAClockRandomNumbersAndARunnerOfItsOwn) {
  MemEnv env, twin;
  EXPECT_EQ(env.now(), (base::UtcTime{1767225600, 0}));
  EXPECT_EQ(env.now(), (base::UtcTime{1767225600, 1'000'000}));
  env.set_now({5, 999'000'000});
  env.sleep_ms(1);
  EXPECT_EQ(env.now(), (base::UtcTime{6, 0}));
  EXPECT_EQ(env.random(), twin.random());
  EXPECT_NE(env.random(), env.random());
  EXPECT_EQ(env.run({"/bin/true"}, 1).exit_status, 127);
  env.set_runner([&env](const std::vector<std::string>& argv) {
    env.put_file("/ran", argv.at(1));
    return RunResult{.exit_status = 3, .output = argv.at(0)};
  });
  EXPECT_EQ(env.run({"/bin/x", "arg"}, 1).output, "/bin/x");
  EXPECT_EQ(env.content("/ran"), "arg");
}

TEST(MemEnv, RefusesFilesOfAnother) {
  MemEnv env, other;
  other.put_file("/a", "x");
  const auto dir = open(env, "/"), foreign = open(other, "/");
  const auto file = foreign->open_file("a", Access::read);
  EXPECT_TRUE(fails_with(ErrorKind::unsupported, [&] { dir->link(*file, "b"); }));
  EXPECT_TRUE(fails_with(ErrorKind::unsupported, [&] { foreign->rename("a", *dir, "b", Replace::yes); }));
  EXPECT_TRUE(
      fails_with(ErrorKind::unsupported, [&] { dir->create_file("c", 0600)->copy_some(*file, 0, 0, 1); }));
}

TEST(MemEnv, OutlivesItselfInWhatIsOpen) {
  auto env = std::make_unique<MemEnv>();
  env->put_file("/a", "x");
  const auto file = open(*env, "/")->open_file("a", Access::read);
  env.reset();
  EXPECT_EQ(file->status().size, 1u);
}

TEST(MemEnv, MayBeReadFromSeveralThreads) {
  MemEnv env;
  const std::string text(100'000, 'x');
  env.put_file("/a", text);
  const auto dir = open(env, "/");
  const auto file = dir->open_file("a", Access::read);
  std::vector<std::size_t> counts(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t& count : counts) {
      threads.emplace_back([&file, &count] {
        std::vector<std::byte> bytes(1000);
        for (std::uint64_t at = 0; at < 100'000; at += 1000) count += file->read_full(at, bytes);
      });
    }
    for (int i = 0; i < 50; ++i) make(*dir, std::to_string(i), text)->sync();
  }
  EXPECT_EQ(counts, std::vector<std::size_t>(4, 100'000));
}

}  // namespace
}  // namespace io
