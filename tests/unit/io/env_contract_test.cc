// What env.h says, asked of each implementation alike: what holds in memory must hold on a real disk, or
// tests in memory prove nothing.
#include "unit/io/env_contract_fixture.h"

namespace io {
namespace {

class EnvContract : public EnvContractTest {};
INSTANTIATE_ENV_CONTRACT(EnvContract);

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

}  // namespace
}  // namespace io
