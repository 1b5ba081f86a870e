#include "upgrade/data_folder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/errors.h"
#include "support/scene.h"

namespace upgrade {
namespace {

using base::ErrorKind;
using support::fails_with;
using support::in_data;

class Folder : public testing::Test {
 protected:
  Folder() { mem_.put_file("/etc/secret", "secret", {}, 0600); }
  io::MemEnv mem_;
  support::Machine machine_{mem_};
  DataFolder folder_{mem_, support::school_instance()};
};

TEST_F(Folder, OpensPlainFilesOnly) {
  EXPECT_EQ(folder_.open_live(), nullptr);
  machine_.put("Data.fs", "x");
  EXPECT_NE(folder_.open_live(), nullptr);
  mem_.put_symlink(in_data("Data.fs.0"), "Data.fs", support::kSchoolOwner);
  mem_.put_special(in_data("Data.fs.1"), io::FileType::fifo, support::kSchoolOwner);
  mem_.put_dir(in_data("Data.fs.2"), support::kSchoolOwner);
  for (const char* name : {"Data.fs.0", "Data.fs.1", "Data.fs.2"}) {
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { folder_.open_ours(name); })) << name;
    EXPECT_EQ(folder_.open_if_ours(name), nullptr);
  }
}

TEST_F(Folder, AHardLinkToAnothersFileIsRefused) {
  mem_.put_link(in_data("Data.fs"), "/etc/secret");
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { folder_.open_live(); }, "hard link"));
  // However many names it is given here.
  mem_.put_link(in_data("Data.fs.0"), "/etc/secret");
  mem_.put_link(in_data("x"), "/etc/secret");
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { folder_.open_live(); }, "hard link"));
}

TEST_F(Folder, NamesOfOurOwnAreNoStrangers) {
  machine_.put("Data.fs", "x");
  mem_.put_link("/home/school/Data.fs", in_data("Data.fs"));  // the service's own file, its own business
  EXPECT_NE(folder_.open_live(), nullptr);
  // Of another owner, but with names here and in the vault only.
  mem_.put_file(in_data("Data.fs.0"), "y", {}, 0600);
  mem_.put_dir(in_data(kVaultName), {}, 0700);
  mem_.put_link(in_data(std::string(kVaultName) + "/held"), in_data("Data.fs.0"));
  EXPECT_NE(folder_.open_ours("Data.fs.0"), nullptr);
  mem_.put_link("/elsewhere", in_data("Data.fs.0"));
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { folder_.open_ours("Data.fs.0"); }));
}

TEST_F(Folder, AFileThatIsMostlyAHoleIsRefusedIfItClaimsMoreThanThereIs) {
  machine_.put("Data.fs", "x");
  const auto dir = mem_.open_dir(support::kDataDir, io::Links::refuse);
  dir->open_file("Data.fs", io::Access::read_write)->truncate(std::uint64_t{1} << 40);
  EXPECT_NE(folder_.open_live(), nullptr) << "there is room for it";
  mem_.set_capacity(1 << 30);
  EXPECT_TRUE(fails_with(
      ErrorKind::unsafe_path, [&] { folder_.open_live(); }, "claims to be larger than its file system"));
  EXPECT_EQ(folder_.open_if_ours("Data.fs"), nullptr);
}

// As on a small disk that compresses.
TEST_F(Folder, ADatabaseMayBeLargerThanItsFileSystem) {
  machine_.put("Data.fs", std::string(200'000, 'x'));
  mem_.set_capacity(100'000);
  EXPECT_NE(folder_.open_live(), nullptr);
  const io::Space space{0, 1000};
  io::FileStatus status;
  status.size = 3200;
  status.allocated = 100;
  EXPECT_FALSE(is_mostly_hole(status, space));
  status.allocated = 99;
  EXPECT_TRUE(is_mostly_hole(status, space));
  status.size = 1000;
  status.allocated = 0;  // not yet on disk
  EXPECT_FALSE(is_mostly_hole(status, space));
}

TEST_F(Folder, TheVaultIsMadeDurablyAndRootsAlone) {
  EXPECT_EQ(folder_.find_vault(), nullptr);
  io::Dir& vault = folder_.make_vault();
  EXPECT_EQ(&vault, folder_.find_vault());
  mem_.crash(io::Survives::synced_only, 0);
  const auto status = mem_.status(in_data(kVaultName));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->mode, 0700u);
  EXPECT_EQ(status->owner, io::Owner{});
}

TEST_F(Folder, WhatOthersMayChangeIsNoVault) {
  const std::function<void()> stand_ins[] = {
      [&] { mem_.put_dir(in_data(kVaultName), support::kSchoolOwner, 0700); },
      [&] { mem_.put_dir(in_data(kVaultName), {}, 0750); },
      [&] { mem_.put_file(in_data(kVaultName), "", {}, 0600); },
      [&] { mem_.put_symlink(in_data(kVaultName), "/root", {}); }};
  mem_.put_dir("/root", {}, 0700);
  for (const auto& put : stand_ins) {
    mem_.remove_all(in_data(kVaultName));
    put();
    DataFolder folder(mem_, support::school_instance());
    EXPECT_EQ(folder.find_vault(), nullptr);
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { folder.make_vault(); }));
  }
  EXPECT_TRUE(mem_.list("/root").empty());
}

TEST_F(Folder, SeesWhetherAServerHasTheDatabaseOpen) {
  EXPECT_FALSE(folder_.server_is_running());
  machine_.start_server();
  EXPECT_TRUE(folder_.server_is_running());
  machine_.stop_server();
  EXPECT_FALSE(folder_.server_is_running());
}

TEST_F(Folder, ListsGenerationsOfItsOwnDatabaseOnly) {
  for (const char* name : {"Data.fs.1.gz", "Data.fs.0", "another-Data.fs.0", "Data.fs.index", "Data.fs.10"}) {
    machine_.put(name, "x");
  }
  const std::vector<Generation> expected = {{0, false}, {1, true}, {10, false}};
  EXPECT_EQ(folder_.generations(), expected);
}

TEST_F(Folder, AFolderThatIsNotThereIsNotFound) {
  Instance instance = support::school_instance();
  instance.data_dir = "/nowhere";
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { DataFolder folder(mem_, instance); }));
}

TEST(DataFolder, SaysWhatToDoAboutALinkInTheDatabasesPlace) {
  io::MemEnv mem;
  support::Machine machine(mem);
  mem.put_symlink(support::in_data("Data.fs"), "/srv/Data.fs", support::kSchoolOwner);
  DataFolder folder(mem, support::school_instance());
  try {
    folder.open_live();
    ADD_FAILURE() << "followed";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::unsafe_path);
    EXPECT_NE(error.hint().find("move its whole folder"), std::string::npos);
  }
}

}  // namespace
}  // namespace upgrade
