// The real file system, as root, in a folder of another user's who plants traps and swaps names while we
// work. The secret is a database itself, so nothing but care keeps it from being copied.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/posix_env.h"
#include "support/file_builder.h"
#include "support/fs_builder.h"
#include "support/rooted_env.h"
#include "support/scene.h"
#include "support/temp_dir.h"
#include "upgrade/by_hand.h"
#include "upgrade/rotate.h"

namespace upgrade {
namespace {

namespace fs = std::filesystem;
using support::school;
using support::school_instance;

constexpr uid_t kUser = 23456;
constexpr const char* kMarker = "TOP-SECRET-OF-ROOT";

std::string secret_database() {
  std::string bytes;
  support::FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; });
  for (unsigned i = 0; i < 30; ++i) {
    builder.begin(base::tid_of({1767346200 + i, 0}), kMarker);
    for (unsigned oid = 0; oid < 20; ++oid) builder.record(oid + i, std::string(kMarker) + std::to_string(i));
    builder.finish();
  }
  return bytes;
}

class HostilePosix : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be root in another user's folder";
    ::alarm(900);  // whatever waits for ever ends here
    fs::create_directories(data_);
    fs::create_directories(root_ / "root-only");
    fs::permissions(root_ / "root-only", fs::perms::owner_all);
    ::chmod(root_.path().c_str(), 0755);
    ASSERT_EQ(::chown(data_.c_str(), kUser, kUser), 0);
    ASSERT_EQ(::chmod(data_.c_str(), 0750), 0);
    support::spill(secret_, secret_database());
    ASSERT_EQ(::chmod(secret_.c_str(), 0600), 0);
    make_old(secret_);
    set_scene();
  }
  void TearDown() override { ::alarm(0); }

  std::string in_data(const std::string& name) { return data_ + "/" + name; }
  void put(const std::string& name, const std::string& content) {
    support::spill(in_data(name), content);
    ASSERT_EQ(::chown(in_data(name).c_str(), kUser, kUser), 0);
    ASSERT_EQ(::chmod(in_data(name).c_str(), 0640), 0);
    make_old(in_data(name));
  }
  // What is young is left alone by rotate(): somebody may be writing it.
  static void make_old(const std::string& path) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(48));
  }
  void clear() {
    for (const auto& entry : fs::directory_iterator(data_)) fs::remove_all(entry.path());
    fs::remove_all(root_ / "var/lib/schooltool-dbtools");
  }
  void set_scene() {
    clear();
    put("Data.fs", school(20));
    put("Data.fs.0", school(10));
    put("Data.fs.1.gz", support::gzipped(school(5)));
    put("Data.fs.2", school(4));
  }

  // The secret as it was, and no byte of it in any other file below.
  void expect_outside_untouched() {
    EXPECT_TRUE(support::slurp(secret_) == secret_database());
    struct stat secret {};
    ASSERT_EQ(::lstat(secret_.c_str(), &secret), 0);
    EXPECT_EQ(secret.st_uid, 0u);
    EXPECT_EQ(secret.st_mode & 07777, 0600u);
    EXPECT_FALSE(fs::exists(root_ / "not-there"));
    for (const auto& entry : fs::recursive_directory_iterator(root_.path())) {
      struct stat found {};
      if (::lstat(entry.path().c_str(), &found) != 0 || !S_ISREG(found.st_mode) ||
          found.st_ino == secret.st_ino)
        continue;
      std::string content = support::slurp(entry.path());
      if (entry.path().extension() == ".gz") content = support::gunzipped(content);
      EXPECT_EQ(content.find(kMarker), std::string::npos) << entry.path();
    }
  }

  bool attempt(const std::function<void()>& act) {
    try {
      act();
      return true;
    } catch (const base::Error&) {
      return false;
    }
  }
  void everything() {
    attempt([&] { rotate(env_, school_instance(), {}); });
    attempt([&] { support::snapshot(env_); });
    attempt([&] { support::begin(env_); });
    attempt([&] { support::check_as(env_, Caller::service_start); });
    attempt([&] {
      CheckRequest repair;
      repair.repair = true;
      check(env_, school_instance(), repair);
    });
    attempt([&] {
      roll_back_by_hand(env_, school_instance(), plan_by_hand(env_, school_instance(), std::string("1")), {});
    });
  }

  support::TempDir root_;
  std::string data_ = root_ / "var/lib/schooltool";
  std::string secret_ = root_ / "root-only/secret";
  std::unique_ptr<io::Env> os_ = io::make_posix_env();
  support::RootedEnv env_{*os_, root_.path()};
};

void plant_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return;  // a long temporary folder; one trap fewer
  path.copy(address.sun_path, path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
}

TEST_F(HostilePosix, WithoutTrapsThereIsSomethingToDo) {
  rotate(env_, school_instance(), {});
  EXPECT_TRUE(support::gunzipped(support::slurp(in_data("Data.fs.2.gz"))) == school(4));
  EXPECT_TRUE(attempt([&] { support::snapshot(env_); }));
  EXPECT_TRUE(support::slurp(in_data("Data.fs.0")) == school(20));
}

TEST_F(HostilePosix, NoTrapUnderAnyNameLeadsOutsideOrBlocks) {
  const std::pair<const char*, std::function<void(const std::string&)>> traps[] = {
      {"link", [&](const std::string& path) { fs::create_symlink(secret_, path); }},
      {"relative link",
       [&](const std::string& path) { fs::create_symlink("../../../root-only/secret", path); }},
      {"dangling link", [&](const std::string& path) { fs::create_symlink(root_ / "not-there", path); }},
      {"hard link", [&](const std::string& path) { fs::create_hard_link(secret_, path); }},
      {"fifo", [](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0666), 0); }},
      {"folder", [](const std::string& path) { fs::create_directory(path); }},
      {"link to a folder", [&](const std::string& path) { fs::create_symlink(root_ / "root-only", path); }},
      {"socket", plant_socket},
      // A container may forbid devices; then there is none to fall for.
      {"device", [](const std::string& path) { (void)::mknod(path.c_str(), S_IFCHR | 0666, makedev(5, 0)); }},
      {"endless device",
       [](const std::string& path) { (void)::mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 5)); }},
      {"block device",
       [](const std::string& path) { (void)::mknod(path.c_str(), S_IFBLK | 0666, makedev(7, 0)); }}};
  for (const char* name :
       {"Data.fs", "Data.fs.0", "Data.fs.1", "Data.fs.1.gz", "Data.fs.2", "Data.fs.2.gz", "Data.fs.index",
        "Data.fs.lock", "Data.fs.tmp", ".schooltool-dbtools", ".Data.fs.dbtools-0123456789abcdef.tmp"}) {
    for (const auto& [trap, plant] : traps) {
      SCOPED_TRACE(std::string(trap) + " as " + name);
      set_scene();
      fs::remove_all(in_data(name));
      plant(in_data(name));
      everything();
      expect_outside_untouched();
      // And with an upgrade open.
      set_scene();
      support::begin(env_);
      put("Data.fs", "");
      fs::remove_all(in_data(name));
      plant(in_data(name));
      everything();
      expect_outside_untouched();
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_TRUE(fs::is_empty(root_ / "root-only") || fs::exists(secret_));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_ / "root-only"), fs::directory_iterator{}), 1);
}

// Exchanges two names of the data folder, over and over, until it goes.
class Swapper {
 public:
  Swapper(const std::string& folder, const char* one, const char* other)
      : thread_([this, folder, one, other] {
          const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
          while (!stop_) {
            if (::renameat2(dir, one, dir, other, RENAME_EXCHANGE) == 0) ++swaps_;
          }
          ::close(dir);
        }) {}
  ~Swapper() {
    stop_ = true;
    thread_.join();
  }
  std::uint64_t swaps() const { return swaps_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> swaps_{0};
  std::thread thread_;
};

class Swapped : public HostilePosix {
 protected:
  static constexpr int kRounds = 30;

  // `name` is swapped with a trap while snapshots, checks and rollbacks run.
  void race(const char* name, const std::function<void(const std::string&)>& plant) {
    int done = 0;
    std::uint64_t swaps = 0;
    for (int round = 0; round < kRounds; ++round) {
      set_scene();
      plant(in_data("trap"));
      {
        Swapper swapper(data_, name, "trap");
        done += attempt([&] { rotate(env_, school_instance(), {}); }) ? 1 : 0;
        done += attempt([&] { support::snapshot(env_); }) ? 1 : 0;
        done += attempt([&] { support::begin(env_); }) ? 1 : 0;
        done += attempt([&] { support::check_as(env_, Caller::service_start); }) ? 1 : 0;
        if (round % 4 == 0) everything();
        swaps += swapper.swaps();
      }
      expect_outside_untouched();
      ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(swaps, 100u) << "the race was none";
    RecordProperty("steps_done", done);
  }
};

TEST_F(Swapped, DatabaseWithALink) {
  race("Data.fs", [&](const std::string& path) { fs::create_symlink(secret_, path); });
}
TEST_F(Swapped, DatabaseWithAHardLink) {
  race("Data.fs", [&](const std::string& path) { fs::create_hard_link(secret_, path); });
}
TEST_F(Swapped, DatabaseWithAFifo) {
  race("Data.fs", [](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0666), 0); });
}
TEST_F(Swapped, SnapshotWithAHardLink) {
  race("Data.fs.0", [&](const std::string& path) { fs::create_hard_link(secret_, path); });
}
TEST_F(Swapped, SnapshotWithALink) {
  race("Data.fs.0", [&](const std::string& path) { fs::create_symlink(secret_, path); });
}
TEST_F(Swapped, OlderCopyWithALink) {
  race("Data.fs.2", [&](const std::string& path) { fs::create_symlink(secret_, path); });
}
TEST_F(Swapped, OlderCopyWithAHardLink) {
  race("Data.fs.2", [&](const std::string& path) { fs::create_hard_link(secret_, path); });
}
TEST_F(Swapped, CompressedCopyWithALink) {
  race("Data.fs.1.gz", [&](const std::string& path) { fs::create_symlink(secret_, path); });
}
TEST_F(Swapped, CompressedCopyWithAHardLink) {
  race("Data.fs.1.gz", [&](const std::string& path) { fs::create_hard_link(secret_, path); });
}
TEST_F(Swapped, LockWithALink) {
  race("Data.fs.lock", [&](const std::string& path) {
    put("Data.fs.lock", "");
    fs::create_symlink(secret_, path);
  });
}
TEST_F(Swapped, IndexWithALink) {
  race("Data.fs.index", [&](const std::string& path) {
    put("Data.fs.index", "");
    fs::create_symlink(secret_, path);
  });
}
TEST_F(Swapped, VaultWithALinkToAFolder) {
  race(kVaultName, [&](const std::string& path) { fs::create_symlink(root_ / "root-only", path); });
}

}  // namespace
}  // namespace upgrade
