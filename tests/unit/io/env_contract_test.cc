// What env.h says, asked of each implementation alike: what holds in memory must hold on a real disk, or
// tests in memory prove nothing.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/env.h"
#include "io/hooked_env.h"
#include "io/mem_env.h"
#include "io/posix_env.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace io {
namespace {

using base::ErrorKind;
using support::fails_with;

// An Env, an empty folder in it, and what Env itself cannot make.
class Scene {
 public:
  virtual ~Scene() = default;
  virtual Env& env() = 0;
  virtual std::string root() const = 0;
  virtual void symlink(const std::string& name, const std::string& target, Owner owner = {}) = 0;
  virtual void fifo(const std::string& name) = 0;
};

class MemScene : public Scene {
 public:
  MemScene() { mem_.put_dir(root(), {}, 0700); }
  Env& env() override { return mem_; }
  std::string root() const override { return "/some/root"; }
  void symlink(const std::string& name, const std::string& target, Owner owner) override {
    mem_.put_symlink(root() + "/" + name, target, owner);
  }
  void fifo(const std::string& name) override { mem_.put_special(root() + "/" + name, FileType::fifo); }

 private:
  MemEnv mem_;
};

class PosixScene : public Scene {
 public:
  Env& env() override { return *env_; }
  std::string root() const override { return dir_.path(); }
  void symlink(const std::string& name, const std::string& target, Owner owner) override {
    ASSERT_EQ(::symlink(target.c_str(), (dir_ / name).c_str()), 0);
    if (owner == Owner{}) return;
    ASSERT_EQ(::lchown((dir_ / name).c_str(), owner.uid, owner.gid), 0);
  }
  void fifo(const std::string& name) override { ASSERT_EQ(::mkfifo((dir_ / name).c_str(), 0600), 0); }

 private:
  support::TempDir dir_;
  std::unique_ptr<Env> env_ = make_posix_env();
};

// The same through a hook that does nothing.
template <typename Inner>
class HookedScene : public Inner {
 public:
  Env& env() override { return *hooked_; }

 private:
  std::unique_ptr<Env> hooked_ = make_hooked_env(Inner::env(), [](const Operation&) { return no_limit; });
};

struct Kind {
  const char* name;
  std::unique_ptr<Scene> (*make)();
};

template <typename T>
std::unique_ptr<Scene> make_scene() {
  return std::make_unique<T>();
}

class EnvContract : public testing::TestWithParam<Kind> {
 protected:
  Env& env() { return scene_->env(); }
  std::string root() const { return scene_->root(); }
  Scene& scene() { return *scene_; }
  std::unique_ptr<Dir> dir() { return env().open_dir(root(), Links::refuse); }

  std::unique_ptr<File> make(const std::string& name, const std::string& text, std::uint32_t mode = 0600) {
    auto file = dir()->create_file(name, mode);
    file->write_full(0, base::as_bytes(text));
    return file;
  }
  static std::string text_of(File& file) {
    std::string text(file.status().size, '?');
    EXPECT_EQ(file.read_full(0, std::as_writable_bytes(std::span(text))), text.size());
    return text;
  }
  std::string text_of(const std::string& name) { return text_of(*dir()->open_file(name, Access::read)); }

  static bool is_root() { return ::geteuid() == 0; }

 private:
  std::unique_ptr<Scene> scene_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(All, EnvContract,
                         testing::Values(Kind{"Mem", make_scene<MemScene>},
                                         Kind{"Posix", make_scene<PosixScene>},
                                         Kind{"HookedMem", make_scene<HookedScene<MemScene>>},
                                         Kind{"HookedPosix", make_scene<HookedScene<PosixScene>>}),
                         [](const auto& kind) { return kind.param.name; });

// ---- names and types

const std::vector<std::string> kBadNames = {"", ".", "..", "a/b", "/a", "a/", std::string("a\0b", 3)};

TEST_P(EnvContract, RefusesNamesThatAreNotPlain) {
  const auto d = dir();
  const auto file = make("file", "x");
  for (const std::string& bad : kBadNames) {
    SCOPED_TRACE(bad);
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->open_file(bad, Access::read); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->create_file(bad, 0600); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->open_dir(bad); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->make_dir(bad, 0700); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->status(bad); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->rename(bad, *d, "new", Replace::yes); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->rename("file", *d, bad, Replace::yes); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->link(*file, bad); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->remove(bad); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->remove_dir(bad); }));
  }
  EXPECT_EQ(d->list(), std::vector<std::string>{"file"});
}

TEST_P(EnvContract, RefusesNamesThatAreTooLong) {
  const auto d = dir();
  const std::string longest(255, 'n'), longer(256, 'n');
  d->create_file(longest, 0600);
  EXPECT_TRUE(d->status(longest));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->create_file(longer, 0600); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->open_file(longer, Access::read); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->status(longer); }));
}

TEST_P(EnvContract, SaysNotFoundOfWhatIsAbsent) {
  const auto d = dir();
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { d->open_file("x", Access::read); }));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { d->open_file("x", Access::read_write); }));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { d->open_dir("x"); }));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { d->remove("x"); }));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { d->remove_dir("x"); }));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { d->rename("x", *d, "y", Replace::yes); }));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { d->rename("x", *d, "y", Replace::no); }));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { env().open_dir(root() + "/x", Links::refuse); }));
  EXPECT_EQ(d->status("x"), std::nullopt);
}

TEST_P(EnvContract, OpensOnlyRegularFilesAsFiles) {
  const auto d = dir();
  make("file", "x");
  d->make_dir("folder", 0700);
  scene().symlink("link", "file");
  scene().symlink("dangling", "nowhere");
  scene().fifo("fifo");
  for (const std::string name : {"folder", "link", "dangling", "fifo"}) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->open_file(name, Access::read); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->open_file(name, Access::read_write); }));
    EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { d->create_file(name, 0600); }));
    EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { d->make_dir(name, 0700); }));
  }
  EXPECT_EQ(d->status("folder")->type, FileType::directory);
  EXPECT_EQ(d->status("link")->type, FileType::symlink);
  EXPECT_EQ(d->status("dangling")->type, FileType::symlink);
  EXPECT_EQ(d->status("fifo")->type, FileType::fifo);
  EXPECT_EQ(d->status("file")->type, FileType::regular);
  EXPECT_EQ(d->list(), (std::vector<std::string>{"dangling", "fifo", "file", "folder", "link"}));
}

TEST_P(EnvContract, OpensOnlyFoldersAsFolders) {
  const auto d = dir();
  make("file", "x");
  d->make_dir("folder", 0700);
  scene().symlink("link", "folder");
  scene().fifo("fifo");
  for (const std::string name : {"file", "link", "fifo"}) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { d->open_dir(name); }));
    EXPECT_TRUE(
        fails_with(ErrorKind::unsafe_path, [&] { env().open_dir(root() + "/" + name, Links::refuse); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path,
                           [&] { env().open_dir(root() + "/" + name + "/x", Links::refuse); }));
  }
  EXPECT_EQ(d->open_dir("folder")->path(), root() + "/folder");
}

// ---- paths

TEST_P(EnvContract, OpensFoldersByAbsolutePath) {
  dir()->make_dir("a", 0700);
  dir()->open_dir("a")->make_dir("b", 0700);
  const auto b = env().open_dir(root() + "/a//./b/", Links::refuse);
  EXPECT_TRUE(b->status().same_file(*dir()->open_dir("a")->status("b")));
  EXPECT_TRUE(env().open_dir(root() + "/a/../a/b", Links::refuse)->status().same_file(b->status()));
  EXPECT_EQ(env().open_dir(root() + "/a/", Links::refuse)->path(), root() + "/a");
  EXPECT_EQ(env().open_dir("/", Links::refuse)->path(), "/");
  EXPECT_EQ(env().open_dir("/", Links::refuse)->status().type, FileType::directory);
  for (const std::string bad : {"", "relative", "./a"}) {
    EXPECT_TRUE(fails_with(ErrorKind::usage, [&] { env().open_dir(bad, Links::administrator); })) << bad;
  }
  EXPECT_TRUE(fails_with(ErrorKind::usage, [&] { env().open_dir(std::string("/\0", 2), Links::refuse); }));
}

TEST_P(EnvContract, FollowsLinksOfTheAdministratorIfAllowed) {
  if (!is_root()) GTEST_SKIP() << "links of root can be made by root only";
  const auto d = dir();
  d->make_dir("real", 0755);
  d->open_dir("real")->make_dir("sub", 0755);
  scene().symlink("relative", "real");
  scene().symlink("absolute", root() + "/real/sub");
  scene().symlink("chain", "relative/../real/sub/..");
  scene().symlink("dangling", "nowhere");
  scene().symlink("circle", "circle");
  const auto real = d->open_dir("real")->status(), sub = d->open_dir("real")->open_dir("sub")->status();
  const auto open = [&](const std::string& name, Links links) {
    return env().open_dir(root() + "/" + name, links)->status();
  };
  EXPECT_TRUE(open("relative", Links::administrator).same_file(real));
  EXPECT_TRUE(open("relative/sub", Links::administrator).same_file(sub));
  EXPECT_TRUE(open("absolute", Links::administrator).same_file(sub));
  EXPECT_TRUE(open("chain/sub", Links::administrator).same_file(sub));
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { open("dangling", Links::administrator); }));
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { open("circle", Links::administrator); }));
  for (const std::string name : {"relative", "absolute", "chain", "dangling", "relative/sub"}) {
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { open(name, Links::refuse); })) << name;
  }
}

TEST_P(EnvContract, FollowsNoLinksThatOthersCouldHaveMade) {
  if (!is_root()) GTEST_SKIP() << "files of others can be made by root only";
  const auto d = dir();
  d->make_dir("real", 0755);
  scene().symlink("theirs", "real", {33, 33});
  scene().symlink("ours", "real");
  const auto open = [&](const std::string& name) {
    env().open_dir(root() + "/" + name, Links::administrator);
  };
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { open("theirs"); }));
  open("ours");
  for (const std::uint32_t mode : {0777u, 0770u, 0702u, 01777u}) {
    d->set_mode(mode);
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { open("ours"); })) << mode;
  }
  d->set_mode(0755);
  open("ours");
  d->set_owner({33, 0});
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { open("ours"); }));
}

TEST_P(EnvContract, MakesMissingFolders) {
  const auto made = open_or_make_dir(env(), root() + "/a/b/c", Links::refuse);
  EXPECT_EQ(made->path(), root() + "/a/b/c");
  EXPECT_EQ(made->status().mode, 0700u);
  EXPECT_EQ(dir()->status("a")->mode, 0755u);
  EXPECT_TRUE(open_or_make_dir(env(), root() + "/a/b/c", Links::refuse)->status().same_file(made->status()));
}

// ---- content

TEST_P(EnvContract, WritesAndReadsAtAnyOffset) {
  const auto file = make("f", "hello");
  file->write_full(10'000, base::as_bytes("end"));
  EXPECT_EQ(file->status().size, 10'003u);
  EXPECT_EQ(text_of(*file), "hello" + std::string(9'995, '\0') + "end");
  file->write_full(3, base::as_bytes("p me"));
  EXPECT_EQ(text_of(*file).substr(0, 8), std::string("help me\0", 8));
  std::vector<std::byte> bytes(10);
  EXPECT_EQ(file->read_full(10'000, bytes), 3u);
  EXPECT_EQ(file->read_some(10'003, bytes), 0u);
  EXPECT_EQ(file->read_some(1'000'000, bytes), 0u);
  EXPECT_EQ(file->read_some(0, {}), 0u);
  EXPECT_EQ(file->write_some(0, {}), 0u);
  EXPECT_EQ(file->status().size, 10'003u);
}

TEST_P(EnvContract, TruncatesAndExtendsWithZeros) {
  const auto file = make("f", std::string(6'000, 'x'));
  file->truncate(5'000);
  EXPECT_EQ(file->status().size, 5'000u);
  file->truncate(7'000);
  EXPECT_EQ(text_of(*file), std::string(5'000, 'x') + std::string(2'000, '\0'));
  file->truncate(0);
  EXPECT_EQ(file->status().size, 0u);
}

TEST_P(EnvContract, RefusesToChangeAFileThatIsOpenForReading) {
  make("f", "text");
  const auto file = dir()->open_file("f", Access::read), other = make("g", "other");
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->write_some(0, base::as_bytes("x")); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->copy_some(*other, 0, 0, 1); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->truncate(0); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->reserve(10'000); }));
  file->set_mode(0640);
  file->sync();
  EXPECT_EQ(text_of("f"), "text");
  EXPECT_EQ(dir()->status("f")->mode, 0640u);
}

TEST_P(EnvContract, CopiesBetweenFiles) {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += static_cast<char>('a' + i % 23);
  const auto from = make("from", text), to = make("to", "12345");
  std::uint64_t done = 0;
  while (const std::uint64_t copied = to->copy_some(*from, 100 + done, 5 + done, 20'000 - done))
    done += copied;
  EXPECT_EQ(done, 20'000u);
  EXPECT_EQ(text_of(*to), "12345" + text.substr(100, 20'000));
  EXPECT_EQ(to->copy_some(*from, text.size(), 0, 10), 0u);
  EXPECT_EQ(to->copy_some(*from, text.size() - 3, 0, 10), 3u);
  EXPECT_EQ(to->copy_some(*from, 0, 0, 0), 0u);
}

TEST_P(EnvContract, ClonesWholeOrSaysThatItCannot) {
  const auto from = make("from", std::string(10'000, 'x')), to = make("to", "");
  if (to->clone_from(*from)) {
    EXPECT_EQ(text_of(*to), text_of(*from));
    to->write_full(0, base::as_bytes("y"));
  } else {
    EXPECT_EQ(to->status().size, 0u);
  }
  EXPECT_EQ(text_of(*from), std::string(10'000, 'x'));
}

TEST_P(EnvContract, ReservesWithoutChangingTheSize) {
  const auto file = make("f", "text");
  file->reserve(100'000);
  file->reserve(0);
  file->reserve(10);
  EXPECT_EQ(file->status().size, 4u);
  EXPECT_EQ(text_of(*file), "text");
}

TEST_P(EnvContract, TakesHints) {
  const auto file = make("f", "text");
  file->start_writeback(0, 4);
  file->drop_cache(0, 4);
  dir()->open_file("f", Access::read)->drop_cache(0, 0);
  EXPECT_EQ(text_of(*file), "text");
}

TEST_P(EnvContract, SyncsAndClosesAndRefusesAllAfterwards) {
  const auto file = make("f", "text");
  file->sync();
  file->close();
  file->close();
  std::vector<std::byte> bytes(1);
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->read_some(0, bytes); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->write_some(0, bytes); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->status(); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->sync(); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { file->try_lock(); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { dir()->link(*file, "g"); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { make("h", "")->copy_some(*file, 0, 0, 1); }));
  EXPECT_EQ(file->path(), root() + "/f");
  EXPECT_EQ(text_of("f"), "text");
}

// ---- status

TEST_P(EnvContract, MakesFilesAndFoldersWithThisModeWhateverTheUmask) {
  const mode_t before = ::umask(077);
  make("f", "", 0666);
  dir()->make_dir("d", 0755);
  ::umask(before);
  EXPECT_EQ(dir()->status("f")->mode, 0666u);
  EXPECT_EQ(dir()->status("d")->mode, 0755u);
  EXPECT_EQ(dir()->status("f")->owner.uid, is_root() ? 0 : ::geteuid());
}

TEST_P(EnvContract, TellsTheStatusOfNamesAndOfWhatIsOpen) {
  const auto file = make("f", std::string(5'000, 'x'));
  file->set_mode(04750);
  file->set_modified({1'234'567'890, 123'000'000});
  const FileStatus open = file->status(), named = *dir()->status("f");
  EXPECT_TRUE(open.same_file(named));
  EXPECT_FALSE(open.same_file(make("g", "")->status()));
  for (const FileStatus& status : {open, named}) {
    EXPECT_EQ(status.type, FileType::regular);
    EXPECT_EQ(status.mode, 04750u);
    EXPECT_EQ(status.size, 5'000u);
    EXPECT_EQ(status.links, 1u);
    EXPECT_EQ(status.modified, (base::UtcTime{1'234'567'890, 123'000'000}));
  }
  const auto d = dir();
  d->set_mode(0711);
  EXPECT_EQ(d->status().mode, 0711u);
  EXPECT_EQ(d->status().type, FileType::directory);
  const Space space = d->space();
  EXPECT_GT(space.free, 0u);
  EXPECT_LE(space.free, space.total);
}

TEST_P(EnvContract, TouchesTheTimeOnWriting) {
  const auto file = make("f", "x");
  file->set_modified({1'000, 0});
  file->write_full(0, base::as_bytes("y"));
  EXPECT_GT(file->status().modified.seconds, 1'000'000'000);
}

TEST_P(EnvContract, ChangesOwners) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  const auto file = make("f", "x");
  file->set_owner({12, 34});
  EXPECT_EQ(file->status().owner, (Owner{12, 34}));
  EXPECT_EQ(dir()->status("f")->owner, (Owner{12, 34}));
  dir()->make_dir("d", 0700);
  dir()->open_dir("d")->set_owner({56, 78});
  EXPECT_EQ(dir()->status("d")->owner, (Owner{56, 78}));
}

TEST_P(EnvContract, ListsNamesByByteValue) {
  for (const std::string name : {"b", "a", "\xc3\xa4", "B", ".h", "a b\n"}) make(name, "");
  EXPECT_EQ(dir()->list(), (std::vector<std::string>{".h", "B", "a", "a b\n", "b", "\xc3\xa4"}));
  const auto d = dir();
  EXPECT_EQ(d->list(), d->list());
}

// ---- changes of names

TEST_P(EnvContract, RenamesAndReplaces) {
  const auto d = dir();
  make("a", "A");
  make("b", "B");
  EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { d->rename("a", *d, "b", Replace::no); }));
  EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { d->rename("a", *d, "a", Replace::no); }));
  EXPECT_EQ(text_of("a") + text_of("b"), "AB");
  d->rename("a", *d, "a", Replace::yes);
  EXPECT_EQ(text_of("a"), "A");
  d->rename("a", *d, "b", Replace::yes);
  EXPECT_EQ(text_of("b"), "A");
  d->rename("b", *d, "c", Replace::no);
  EXPECT_EQ(d->list(), std::vector<std::string>{"c"});
}

TEST_P(EnvContract, RenamesBetweenFolders) {
  const auto d = dir();
  d->make_dir("sub", 0700);
  const auto sub = d->open_dir("sub");
  make("a", "A");
  d->rename("a", *sub, "b", Replace::no);
  EXPECT_EQ(d->list(), std::vector<std::string>{"sub"});
  EXPECT_EQ(text_of(*sub->open_file("b", Access::read)), "A");
  make("a", "A2");
  EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { d->rename("a", *sub, "b", Replace::no); }));
  d->rename("a", *sub, "b", Replace::yes);
  EXPECT_EQ(text_of(*sub->open_file("b", Access::read)), "A2");
}

TEST_P(EnvContract, RenamesLinksAndSpecialFilesThemselves) {
  const auto d = dir();
  make("file", "x");
  scene().symlink("link", "file");
  d->rename("link", *d, "moved", Replace::no);
  EXPECT_EQ(d->status("moved")->type, FileType::symlink);
  make("plain", "y");
  d->rename("plain", *d, "moved", Replace::yes);
  EXPECT_EQ(d->status("moved")->type, FileType::regular);
  EXPECT_EQ(text_of("file"), "x");
}

TEST_P(EnvContract, RenamesFoldersOverEmptyFoldersOnly) {
  const auto d = dir();
  make("file", "x");
  for (const std::string name : {"full", "empty", "moving"}) d->make_dir(name, 0700);
  d->open_dir("full")->create_file("f", 0600);
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->rename("moving", *d, "full", Replace::yes); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->rename("moving", *d, "file", Replace::yes); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->rename("file", *d, "empty", Replace::yes); }));
  EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { d->rename("file", *d, "empty", Replace::no); }));
  const auto moving = d->open_dir("moving");
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->rename("moving", *moving, "self", Replace::no); }));
  d->rename("full", *d, "empty", Replace::yes);
  EXPECT_EQ(d->list(), (std::vector<std::string>{"empty", "file", "moving"}));
  EXPECT_EQ(d->open_dir("empty")->list(), std::vector<std::string>{"f"});
}

TEST_P(EnvContract, RenamesOntoAnotherNameOfTheSameFileWithoutEffect) {
  const auto d = dir();
  d->link(*make("a", "x"), "b");
  d->rename("a", *d, "b", Replace::yes);
  EXPECT_EQ(d->list(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { d->rename("a", *d, "b", Replace::no); }));
}

TEST_P(EnvContract, LinksTheFileThatIsOpen) {
  const auto d = dir();
  const auto file = make("a", "x");
  d->link(*file, "b");
  EXPECT_EQ(file->status().links, 2u);
  EXPECT_TRUE(d->status("b")->same_file(file->status()));
  EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { d->link(*file, "b"); }));
  d->rename("a", *d, "c", Replace::no);
  make("a", "other");
  d->link(*file, "d");
  EXPECT_EQ(text_of("d"), "x");
  for (const std::string name : {"b", "c", "d"}) d->remove(name);
  EXPECT_EQ(file->status().links, 0u);
  EXPECT_EQ(text_of(*file), "x");
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { d->link(*file, "e"); }));
  EXPECT_EQ(d->list(), std::vector<std::string>{"a"});
}

TEST_P(EnvContract, RemovesFilesAndLinksButNotWhatTheyLeadTo) {
  const auto d = dir();
  make("file", "x");
  scene().symlink("link", "file");
  scene().fifo("fifo");
  d->make_dir("folder", 0700);
  d->remove("link");
  d->remove("fifo");
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->remove("folder"); }));
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->remove_dir("file"); }));
  d->open_dir("folder")->create_file("f", 0600);
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { d->remove_dir("folder"); }));
  const auto folder = d->open_dir("folder");
  folder->remove("f");
  d->remove_dir("folder");
  EXPECT_EQ(d->list(), std::vector<std::string>{"file"});
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { folder->create_file("late", 0600); }));
  EXPECT_EQ(folder->list(), std::vector<std::string>{});
}

TEST_P(EnvContract, SyncsFolders) {
  make("a", "x");
  dir()->sync();
  EXPECT_EQ(dir()->list(), std::vector<std::string>{"a"});
}

TEST_P(EnvContract, FollowsTheOpenFolderNotItsName) {
  const auto d = dir();
  d->make_dir("before", 0700);
  const auto folder = d->open_dir("before");
  d->rename("before", *d, "after", Replace::no);
  folder->create_file("f", 0600);
  EXPECT_EQ(d->open_dir("after")->list(), std::vector<std::string>{"f"});
}

// ---- locks, clock, programs

TEST_P(EnvContract, LocksAFileOncePerOpenFile) {
  auto one = make("f", "x");
  const auto two = dir()->open_file("f", Access::read);
  EXPECT_TRUE(one->try_lock());
  EXPECT_TRUE(one->try_lock());
  EXPECT_FALSE(two->try_lock());
  one->close();
  EXPECT_TRUE(two->try_lock());
  auto three = dir()->open_file("f", Access::read_write);
  EXPECT_FALSE(three->try_lock());
  EXPECT_EQ(text_of("f"), "x");  // opening and closing a third time does not free it
  EXPECT_FALSE(three->try_lock());
  dir()->rename("f", *dir(), "g", Replace::no);
  EXPECT_FALSE(dir()->open_file("g", Access::read)->try_lock());
  EXPECT_TRUE(make("f", "new")->try_lock());
}

TEST_P(EnvContract, HasAClockRandomNumbersAndAProcess) {
  const base::UtcTime start = env().now();
  EXPECT_GT(start.seconds, 1'500'000'000);
  env().sleep_ms(2);
  EXPECT_GT(env().now(), start);
  EXPECT_NE(env().random(), env().random());
  EXPECT_GT(env().process_id(), 0);
  EXPECT_EQ(env().process_id(), env().process_id());
}

TEST_P(EnvContract, Says127OfAProgramThatIsNotThere) {
  EXPECT_EQ(env().run({root() + "/no-such-program", "argument"}, 10).exit_status, 127);
}

}  // namespace
}  // namespace io
