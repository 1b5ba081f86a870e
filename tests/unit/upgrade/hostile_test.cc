// What the service's user can plant in the data folder, under every name that we touch. Nothing outside is
// read, changed or waited for; and where it can be done, the work is done all the same.
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/fs_builder.h"
#include "support/scene.h"
#include "upgrade/by_hand.h"
#include "upgrade/names.h"
#include "upgrade/status.h"

namespace upgrade {
namespace {

using support::in_data;
using support::kSchoolOwner;
using support::school;
using support::school_instance;

constexpr const char* kSecret = "/etc/secret";
constexpr const char* kSecretText = "root:$6$a secret that nobody else may read";

enum class Trap { link, dangling_link, hard_link, fifo, folder, socket, char_device, block_device };
constexpr Trap kTraps[] = {Trap::link,   Trap::dangling_link, Trap::hard_link,   Trap::fifo,
                           Trap::folder, Trap::socket,        Trap::char_device, Trap::block_device};

class Hostile : public testing::Test {
 protected:
  void set_scene(io::MemEnv& mem, support::Machine& machine) {
    mem.put_file(kSecret, kSecretText, {}, 0600);
    machine.put("Data.fs", school(20));
    machine.put("Data.fs.0", school(10));
    machine.put("Data.fs.1.gz", support::gzipped(school(5)));
  }
  static void plant(io::MemEnv& mem, Trap trap, const std::string& name) {
    const std::string path = in_data(name);
    mem.remove_all(path);
    switch (trap) {
      case Trap::link: return mem.put_symlink(path, kSecret, kSchoolOwner);
      case Trap::dangling_link: return mem.put_symlink(path, "/etc/not-there", kSchoolOwner);
      case Trap::hard_link: return mem.put_link(path, kSecret);
      case Trap::fifo: return mem.put_special(path, io::FileType::fifo, kSchoolOwner);
      case Trap::folder: return mem.put_dir(path, kSchoolOwner);
      case Trap::socket: return mem.put_special(path, io::FileType::socket, kSchoolOwner);
      case Trap::char_device: return mem.put_special(path, io::FileType::char_device, kSchoolOwner);
      case Trap::block_device: return mem.put_special(path, io::FileType::block_device, kSchoolOwner);
    }
  }
  static void expect_outside_untouched(io::MemEnv& mem) {
    EXPECT_EQ(mem.content(kSecret), kSecretText);
    const auto status = mem.status(kSecret);
    EXPECT_EQ(status->owner, io::Owner{});
    EXPECT_EQ(status->mode, 0600u);
    EXPECT_FALSE(mem.status("/etc/not-there"));
    for (const std::string& name : mem.list(support::kDataDir)) {
      const auto found = mem.status(in_data(name));
      if (found->same_file(*status)) continue;  // the trap itself
      const auto content = mem.content(in_data(name));
      EXPECT_TRUE(!content || content->find("secret") == std::string::npos) << name;
    }
  }
  // Whether it could be done; errors are told, nothing else is thrown.
  static bool attempt(const std::function<void()>& act) {
    try {
      act();
      return true;
    } catch (const base::Error& error) {
      EXPECT_FALSE(std::string(error.what()).empty());
      return false;
    }
  }
};

TEST_F(Hostile, NoTrapUnderAnyNameLeadsASnapshotOutside) {
  for (const char* name : {"Data.fs", "Data.fs.0", "Data.fs.1", "Data.fs.1.gz", "Data.fs.2", "Data.fs.index",
                           "Data.fs.lock", "Data.fs.tmp", "Data.fs.old", ".schooltool-dbtools",
                           ".Data.fs.0.dbtools-0123456789abcdef.tmp", "Data.fs.blank-20260101T000000Z"}) {
    for (const Trap trap : kTraps) {
      SCOPED_TRACE(std::string(name) + ", trap " + std::to_string(static_cast<int>(trap)));
      io::MemEnv mem;
      support::Machine machine(mem);
      set_scene(mem, machine);
      plant(mem, trap, name);
      const bool by_hand = attempt([&] { support::snapshot(mem); });
      const bool begun = attempt([&] { support::begin(mem); });
      expect_outside_untouched(mem);
      // What stands for the database, the server's lock or the vault cannot be done without; all else is
      // moved out of the way.
      const std::string what = name;
      const bool lock_is_odd = what == "Data.fs.lock" && trap != Trap::hard_link;
      if (what != "Data.fs" && !lock_is_odd && what != ".schooltool-dbtools") {
        EXPECT_TRUE(by_hand);
        EXPECT_TRUE(begun);
        EXPECT_BYTES(mem.content(in_data("Data.fs.0")), school(20));
      }
      if (what == "Data.fs") {
        EXPECT_FALSE(by_hand);
        EXPECT_BYTES(mem.content(in_data("Data.fs.0")), school(10));
      }
      EXPECT_NO_THROW(status_of(mem, school_instance()));
    }
  }
}

TEST_F(Hostile, NoTrapUnderAnyNameLeadsARollbackOutside) {
  for (const char* name :
       {"Data.fs", "Data.fs.0", "Data.fs.1.gz", "Data.fs.2", "Data.fs.index", "Data.fs.lock", "Data.fs.tmp",
        ".schooltool-dbtools", ".Data.fs.dbtools-0123456789abcdef.tmp", "Data.fs.blank-20260101T000000Z",
        "Data.fs.replaced-20260101T000000Z"}) {
    for (const Trap trap : kTraps) {
      SCOPED_TRACE(std::string(name) + ", trap " + std::to_string(static_cast<int>(trap)));
      io::MemEnv mem;
      support::Machine machine(mem);
      set_scene(mem, machine);
      support::begin(mem);
      machine.put("Data.fs", "");
      plant(mem, trap, name);
      const bool checked = attempt([&] { support::check_as(mem, Caller::dpkg_done); });
      const std::string what = name;
      const bool lock_is_odd = what == "Data.fs.lock" && trap != Trap::hard_link;
      expect_outside_untouched(mem);
      if (lock_is_odd) continue;
      EXPECT_TRUE(checked);
      if (what == "Data.fs") {
        // Nobody else knows what it is there for: a person puts the database back, and it is kept.
        attempt([&] {
          const auto instance = school_instance();
          roll_back_by_hand(mem, instance, plan_by_hand(mem, instance, std::nullopt), {});
        });
        EXPECT_EQ(support::displaced(mem).size(), 1u);
      }
      EXPECT_BYTES(mem.content(in_data("Data.fs")), school(20));
      expect_outside_untouched(mem);
    }
  }
}

TEST_F(Hostile, AStrangersFolderInTheVaultsPlaceIsNamed) {
  io::MemEnv mem;
  support::Machine machine(mem);
  set_scene(mem, machine);
  mem.put_dir(in_data(kVaultName), kSchoolOwner, 0700);
  try {
    support::begin(mem);
    FAIL() << "held a copy where others can change it";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::unsafe_path);
    EXPECT_NE(std::string(error.what()).find(kVaultName), std::string::npos);
    EXPECT_FALSE(error.hint().empty());
  }
  EXPECT_BYTES(mem.content(in_data("Data.fs.0")), school(10));
  EXPECT_FALSE(support::journal_of(mem).open);
}

TEST_F(Hostile, AStrangersLinkInTheWayToTheFolderIsRefusedAnAdministratorsWorks) {
  for (const bool administrators : {true, false}) {
    io::MemEnv mem;
    support::Machine machine(mem);
    mem.remove_all(support::kDataDir);
    mem.put_dir("/srv/school", kSchoolOwner, 0750);
    mem.put_file("/srv/school/Data.fs", school(20), kSchoolOwner, 0640);
    mem.put_symlink(support::kDataDir, "/srv/school", administrators ? io::Owner{} : kSchoolOwner);
    EXPECT_EQ(attempt([&] { support::begin(mem); }), administrators);
    EXPECT_EQ(mem.status("/srv/school/Data.fs.0").has_value(), administrators);
  }
}

TEST_F(Hostile, AnOddlyNamedFileIsNoGenerationAndIsLeftAlone) {
  io::MemEnv mem;
  support::Machine machine(mem);
  set_scene(mem, machine);
  const char* names[] = {"Data.fs.00",   "Data.fs.-1",  "Data.fs.1.gz.gz", "Data.fs.1000",
                         "Data.fs.2010", "Data.fs.0\n", "Data.fs. 0",      "Data.fs.0.bak"};
  for (const char* name : names) machine.put(name, std::string("of somebody: ") + name);
  support::begin(mem);
  machine.put("Data.fs", "");
  support::check_as(mem, Caller::dpkg_done);
  for (const char* name : names) EXPECT_EQ(mem.content(in_data(name)), std::string("of somebody: ") + name);
}

}  // namespace
}  // namespace upgrade
