// What env.h says of status, owners, names and locks, asked of each implementation alike.
#include "unit/io/env_contract_fixture.h"

namespace io {
namespace {

class EnvContractNames : public EnvContractTest {};
INSTANTIATE_ENV_CONTRACT(EnvContractNames);

TEST_P(EnvContractNames, TellsTheStatusOfNamesAndOfWhatIsOpen) {
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

TEST_P(EnvContractNames, TouchesTheTimeOnWriting) {
  const auto file = make("f", "x");
  file->set_modified({1'000, 0});
  file->write_full(0, base::as_bytes("y"));
  EXPECT_GT(file->status().modified.seconds, 1'000'000'000);
}

TEST_P(EnvContractNames, ChangesOwners) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  const auto file = make("f", "x");
  file->set_owner({12, 34});
  EXPECT_EQ(file->status().owner, (Owner{12, 34}));
  EXPECT_EQ(dir()->status("f")->owner, (Owner{12, 34}));
  dir()->make_dir("d", 0700);
  dir()->open_dir("d")->set_owner({56, 78});
  EXPECT_EQ(dir()->status("d")->owner, (Owner{56, 78}));
}

TEST_P(EnvContractNames, ListsNamesByByteValue) {
  for (const std::string name : {"b", "a", "\xc3\xa4", "B", ".h", "a b\n"}) make(name, "");
  EXPECT_EQ(dir()->list(), (std::vector<std::string>{".h", "B", "a", "a b\n", "b", "\xc3\xa4"}));
  const auto d = dir();
  EXPECT_EQ(d->list(), d->list());
}

// ---- changes of names

TEST_P(EnvContractNames, RenamesAndReplaces) {
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

TEST_P(EnvContractNames, RenamesBetweenFolders) {
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

TEST_P(EnvContractNames, RenamesLinksAndSpecialFilesThemselves) {
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

TEST_P(EnvContractNames, RenamesFoldersOverEmptyFoldersOnly) {
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

TEST_P(EnvContractNames, RenamesOntoAnotherNameOfTheSameFileWithoutEffect) {
  const auto d = dir();
  d->link(*make("a", "x"), "b");
  d->rename("a", *d, "b", Replace::yes);
  EXPECT_EQ(d->list(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(fails_with(ErrorKind::exists, [&] { d->rename("a", *d, "b", Replace::no); }));
}

TEST_P(EnvContractNames, LinksTheFileThatIsOpen) {
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

TEST_P(EnvContractNames, RemovesFilesAndLinksButNotWhatTheyLeadTo) {
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

TEST_P(EnvContractNames, SyncsFolders) {
  make("a", "x");
  dir()->sync();
  EXPECT_EQ(dir()->list(), std::vector<std::string>{"a"});
}

TEST_P(EnvContractNames, FollowsTheOpenFolderNotItsName) {
  const auto d = dir();
  d->make_dir("before", 0700);
  const auto folder = d->open_dir("before");
  d->rename("before", *d, "after", Replace::no);
  folder->create_file("f", 0600);
  EXPECT_EQ(d->open_dir("after")->list(), std::vector<std::string>{"f"});
}

// ---- locks, clock, programs

TEST_P(EnvContractNames, LocksAFileOncePerOpenFile) {
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

TEST_P(EnvContractNames, HasAClockRandomNumbersAndAProcess) {
  const base::UtcTime start = env().now();
  EXPECT_GT(start.seconds, 1'500'000'000);
  env().sleep_ms(2);
  EXPECT_GT(env().now(), start);
  EXPECT_NE(env().random(), env().random());
  EXPECT_GT(env().process_id(), 0);
  EXPECT_EQ(env().process_id(), env().process_id());
}

TEST_P(EnvContractNames, Says127OfAProgramThatIsNotThere) {
  EXPECT_EQ(env().run({root() + "/no-such-program", "argument"}, 10).exit_status, 127);
}

}  // namespace
}  // namespace io
