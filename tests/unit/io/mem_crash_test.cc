// What MemEnv leaves after a power cut: the model that all claims about crashes rest on.

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/mem_env.h"

namespace io {
namespace {

using base::Error;
using base::ErrorKind;

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

// What many seeds make of the same unsynced changes, as texts to compare.
std::set<std::string> outcomes(const std::function<void(MemEnv&)>& act,
                               const std::function<std::string(const MemEnv&)>& look,
                               std::uint64_t seeds = 300) {
  std::set<std::string> all;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    MemEnv env;
    act(env);
    env.crash(Survives::random_part, seed);
    all.insert(look(env));
  }
  return all;
}

std::string show(const MemEnv& env, const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text += path + "=" + env.content(path).value_or("-") + " ";
  return text;
}

// ---- synced only, everything

TEST(MemEnvCrash, LosesAFileWhoseNameWasNotSynced) {
  MemEnv env;
  make(*open(env, "/"), "a", "text")->sync();
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(env.list("/"), std::vector<std::string>{});
}

TEST(MemEnvCrash, LeavesAFileEmptyWhoseNameWasSyncedAndContentWasNot) {
  MemEnv env;
  const auto dir = open(env, "/");
  const auto file = make(*dir, "a", "text");
  dir->sync();
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(env.content("/a"), "");
  EXPECT_EQ(env.status("/a")->mode, 0600u);
}

TEST(MemEnvCrash, KeepsWhatWasSyncedInBothWays) {
  MemEnv env;
  const auto dir = open(env, "/");
  const auto file = make(*dir, "a", "text");
  file->set_owner({7, 8});
  file->set_mode(0640);
  file->set_modified({1000, 5});
  file->sync();
  dir->sync();
  write(*file, "more", 4);
  file->set_owner({9, 9});
  file->set_mode(0777);
  file->set_modified({2000, 0});
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(env.content("/a"), "text");
  EXPECT_EQ(env.status("/a")->mode, 0640u);
  EXPECT_EQ(env.status("/a")->owner, (Owner{7, 8}));
  EXPECT_EQ(env.status("/a")->modified, (base::UtcTime{1000, 5}));
}

TEST(MemEnvCrash, GivesBackOlderContentAfterAnUnsyncedOverwriteOrTruncate) {
  for (const bool overwrite : {true, false}) {
    MemEnv env;
    const std::string old(3 * kBlock + 17, 'o');
    env.put_file("/a", old);
    const auto file = open(env, "/")->open_file("a", Access::read_write);
    if (overwrite) {
      write(*file, std::string(2 * kBlock, 'n'), 100);
    } else {
      file->truncate(10);
    }
    env.crash(Survives::synced_only, 0);
    EXPECT_EQ(env.content("/a"), old);
  }
}

TEST(MemEnvCrash, KeepsEverythingIfAskedTo) {
  MemEnv env;
  env.put_file("/gone", "x");
  const auto dir = open(env, "/");
  make(*dir, "a", "text");
  dir->make_dir("d", 0700);
  make(*dir->open_dir("d"), "b", "below");
  dir->remove("gone");
  env.crash(Survives::everything, 0);
  EXPECT_EQ(env.list("/"), (std::vector<std::string>{"a", "d"}));
  EXPECT_EQ(env.content("/d/b"), "below");
  env.crash(Survives::synced_only, 0);  // and it is durable from then on
  EXPECT_EQ(env.content("/a"), "text");
}

TEST(MemEnvCrash, BringsBackWhatWasRemovedRenamedOrReplacedUnsynced) {
  MemEnv env;
  env.put_file("/gone", "g");
  env.put_file("/from", "f");
  env.put_file("/to", "t");
  const auto dir = open(env, "/");
  dir->remove("gone");
  dir->rename("from", *dir, "to", Replace::yes);
  EXPECT_EQ(env.list("/"), std::vector<std::string>{"to"});
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(show(env, {"/gone", "/from", "/to"}), "/gone=g /from=f /to=t ");
}

TEST(MemEnvCrash, KeepsARenameAfterTheFolderWasSynced) {
  MemEnv env;
  env.put_file("/from", "f");
  env.put_file("/to", "t");
  const auto dir = open(env, "/");
  dir->rename("from", *dir, "to", Replace::yes);
  dir->sync();
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(show(env, {"/from", "/to"}), "/from=- /to=f ");
}

TEST(MemEnvCrash, LosesAllBelowAFolderWhoseOwnNameWasNotSynced) {
  MemEnv env;
  const auto root = open(env, "/");
  root->make_dir("d", 0700);
  const auto dir = root->open_dir("d");
  make(*dir, "a", "text")->sync();
  dir->sync();
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(env.list("/"), std::vector<std::string>{});
}

TEST(MemEnvCrash, GivesAFolderItsFirstModeWithItsNameAndLaterOnesWithItsOwnSync) {
  MemEnv env;
  const auto root = open(env, "/");
  root->make_dir("d", 0700);
  root->make_dir("e", 0700);
  root->open_dir("d")->set_mode(0755);
  const auto e = root->open_dir("e");
  e->set_mode(0750);
  e->sync();
  root->sync();
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(env.status("/d")->mode, 0700u);
  EXPECT_EQ(env.status("/e")->mode, 0750u);
}

TEST(MemEnvCrash, KeepsTheNewNameWhenOnlyTheOldFolderOfAMoveWasSynced) {
  MemEnv env;
  env.put_file("/a/f", "text");
  env.put_dir("/b");
  const auto a = open(env, "/a"), b = open(env, "/b");
  a->rename("f", *b, "g", Replace::yes);
  a->sync();
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(show(env, {"/a/f", "/b/g"}), "/a/f=- /b/g=text ");
}

TEST(MemEnvCrash, LeavesBothNamesWhenOnlyTheNewFolderOfAMoveWasSynced) {
  MemEnv env;
  env.put_file("/a/f", "text");
  env.put_dir("/b");
  const auto a = open(env, "/a"), b = open(env, "/b");
  a->rename("f", *b, "g", Replace::yes);
  b->sync();
  EXPECT_EQ(env.status("/b/g")->links, 1u);
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(show(env, {"/a/f", "/b/g"}), "/a/f=text /b/g=text ");
  EXPECT_EQ(env.status("/a/f")->links, 2u);
  EXPECT_TRUE(env.status("/a/f")->same_file(*env.status("/b/g")));
}

TEST(MemEnvCrash, TakesOlderChangesOfANameAlongWithALaterOne) {
  MemEnv env;
  env.put_file("/a/f", "new");
  env.put_file("/b/g", "old");
  const auto a = open(env, "/a"), b = open(env, "/b");
  b->rename("g", *b, "kept", Replace::no);
  a->rename("f", *b, "g", Replace::no);
  a->sync();
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(show(env, {"/a/f", "/b/g", "/b/kept"}), "/a/f=- /b/g=new /b/kept=old ");
}

// ---- a random part

TEST(MemEnvCrash, RenamesWithinAFolderAsAWholeOrNotAtAll) {
  const auto all = outcomes(
      [](MemEnv& env) {
        env.put_file("/from", "f");
        env.put_file("/to", "t");
        const auto dir = open(env, "/");
        dir->rename("from", *dir, "to", Replace::yes);
      },
      [](const MemEnv& env) {
        return show(env, {"/from", "/to"});
      });
  EXPECT_EQ(all, (std::set<std::string>{"/from=f /to=t ", "/from=- /to=f "}));
}

TEST(MemEnvCrash, LeavesEitherOrBothNamesAfterAMoveBetweenFoldersButNeverNeither) {
  const auto all = outcomes(
      [](MemEnv& env) {
        env.put_file("/a/f", "x");
        env.put_file("/b/g", "y");
        open(env, "/a")->rename("f", *open(env, "/b"), "g", Replace::yes);
      },
      [](const MemEnv& env) {
        return show(env, {"/a/f", "/b/g"});
      });
  EXPECT_EQ(all, (std::set<std::string>{"/a/f=x /b/g=y ", "/a/f=x /b/g=x ", "/a/f=- /b/g=x "}));
}

TEST(MemEnvCrash, MovesAFolderAsAWhole) {
  const auto all = outcomes(
      [](MemEnv& env) {
        env.put_file("/a/d/f", "x");
        env.put_dir("/b");
        open(env, "/a")->rename("d", *open(env, "/b"), "d", Replace::no);
      },
      [](const MemEnv& env) {
        return show(env, {"/a/d/f", "/b/d/f"});
      });
  EXPECT_EQ(all, (std::set<std::string>{"/a/d/f=x /b/d/f=- ", "/a/d/f=- /b/d/f=x "}));
}

TEST(MemEnvCrash, NeverAppliesAChangeOfANameWithoutTheEarlierOnes) {
  const auto all = outcomes(
      [](MemEnv& env) {
        env.put_file("/d/0", "old");
        env.put_file("/d/tmp", "new");
        const auto dir = open(env, "/d");
        dir->rename("0", *dir, "1", Replace::yes);
        dir->rename("tmp", *dir, "0", Replace::yes);
      },
      [](const MemEnv& env) {
        return show(env, {"/d/tmp", "/d/0", "/d/1"});
      });
  EXPECT_EQ(all, (std::set<std::string>{"/d/tmp=new /d/0=old /d/1=- ", "/d/tmp=new /d/0=- /d/1=old ",
                                        "/d/tmp=- /d/0=new /d/1=old "}));
}

TEST(MemEnvCrash, KeepsOrLosesChangesOfDifferentNamesIndependently) {
  const auto all = outcomes(
      [](MemEnv& env) {
        env.put_file("/a", "x");
        const auto dir = open(env, "/");
        dir->link(*dir->open_file("a", Access::read), "b");
        dir->remove("a");
      },
      [](const MemEnv& env) {
        return show(env, {"/a", "/b"});
      });
  EXPECT_EQ(all, (std::set<std::string>{"/a=x /b=- ", "/a=x /b=x ", "/a=- /b=x ", "/a=- /b=- "}));
}

TEST(MemEnvCrash, RemovesAFolderOnlyAfterWhatMovedOutOfIt) {
  const auto all = outcomes(
      [](MemEnv& env) {
        env.put_file("/d/f", "x");
        env.put_dir("/e");
        open(env, "/d")->rename("f", *open(env, "/e"), "f", Replace::no);
        open(env, "/")->remove_dir("d");
      },
      [](const MemEnv& env) {
        return show(env, {"/d/f", "/e/f"}) + (env.status("/d") ? "d" : "no d");
      });
  EXPECT_EQ(all, (std::set<std::string>{"/d/f=x /e/f=- d", "/d/f=x /e/f=x d", "/d/f=- /e/f=x d",
                                        "/d/f=- /e/f=x no d"}));
}

TEST(MemEnvCrash, NeverTouchesWhatWasSynced) {
  const auto all = outcomes(
      [](MemEnv& env) {
        env.put_file("/to", "t");
        const auto dir = open(env, "/");
        const auto file = make(*dir, "tmp", std::string(3 * kBlock, 'n'));
        file->set_mode(0644);
        file->sync();
        dir->rename("tmp", *dir, "to", Replace::yes);
        dir->sync();
        make(*dir, "other", "unsynced");
      },
      [](const MemEnv& env) { return *env.content("/to") + std::to_string(env.status("/to")->mode); });
  EXPECT_EQ(all, (std::set<std::string>{std::string(3 * kBlock, 'n') + std::to_string(0644)}));
}

TEST(MemEnvCrash, MixesOldNewAndZeroBlocksOfAnUnsyncedFile) {
  const std::string old(2 * kBlock, 'o');
  bool shorter = false, zeros = false, holed = false, full = false, untouched = false, torn = false;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    MemEnv env;
    env.put_file("/a", old);
    const auto file = open(env, "/")->open_file("a", Access::read_write);
    write(*file, std::string(2 * kBlock, '1'));
    write(*file, std::string(4 * kBlock, '2'));
    env.crash(Survives::random_part, seed);
    const std::string left = *env.content("/a");
    ASSERT_GE(left.size(), old.size());
    ASSERT_LE(left.size(), 4 * kBlock);
    for (std::size_t at = 0; at < left.size(); ++at) {
      const std::string possible = at < old.size() ? "o12" : std::string("2\0", 2);
      ASSERT_NE(possible.find(left[at]), std::string::npos) << "seed " << seed << " at " << at;
      if (at == 0 || left[at] == left[at - 1]) continue;
      ASSERT_EQ(at % 512, 0u) << "torn inside a sector, seed " << seed;
      if (at % kBlock != 0) torn = true;
    }
    shorter = shorter || left.size() % kBlock != 0;
    zeros = zeros || (left.size() == 4 * kBlock && left.substr(2 * kBlock) == std::string(2 * kBlock, '\0'));
    holed = holed || (left.size() == 4 * kBlock && left[2 * kBlock] == '\0' && left[4 * kBlock - 1] == '2');
    full = full || left == std::string(4 * kBlock, '2');
    untouched = untouched || left == old;
  }
  EXPECT_TRUE(shorter && zeros && holed && full && untouched && torn)
      << shorter << zeros << holed << full << untouched << torn;
}

TEST(MemEnvCrash, ShowsNothingOldBehindTheEndWhenAFileGrowsAgain) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    MemEnv env;
    env.put_file("/a", std::string(2 * kBlock, 'o'));
    open(env, "/")->open_file("a", Access::read_write)->truncate(100);
    env.crash(Survives::random_part, seed);
    const std::size_t size = env.content("/a")->size();
    open(env, "/")->open_file("a", Access::read_write)->truncate(3 * kBlock);
    ASSERT_EQ(env.content("/a")->substr(size), std::string(3 * kBlock - size, '\0')) << seed;
  }
}

TEST(MemEnvCrash, KeepsOrLosesATruncateAndTheWriteAfterIt) {
  const auto all = outcomes(
      [](MemEnv& env) {
        env.put_file("/a", "old");
        const auto file = open(env, "/")->open_file("a", Access::read_write);
        file->truncate(0);
        write(*file, "n");
      },
      [](const MemEnv& env) { return *env.content("/a"); }, 1000);
  for (const std::string expected : {"old", "n", "", "o"}) EXPECT_EQ(all.count(expected), 1u) << expected;
  for (const std::string& left : all) EXPECT_LE(left.size(), 3u);
}

TEST(MemEnvCrash, KeepsOrLosesOwnerAndModeByThemselves) {
  const auto all = outcomes(
      [](MemEnv& env) {
        env.put_file("/a", "x");
        const auto file = open(env, "/")->open_file("a", Access::read_write);
        file->set_owner({5, 5});
        file->set_mode(0600);
      },
      [](const MemEnv& env) {
        const FileStatus status = *env.status("/a");
        return std::to_string(status.owner.uid) + (status.mode == 0600 ? " new" : " old");
      });
  EXPECT_EQ(all, (std::set<std::string>{"0 old", "0 new", "5 old", "5 new"}));
}

TEST(MemEnvCrash, GivesTheSameResultForTheSameSeed) {
  const auto once = [](std::uint64_t seed) {
    MemEnv env;
    env.put_file("/a", std::string(5 * kBlock, 'o'));
    const auto dir = open(env, "/");
    write(*dir->open_file("a", Access::read_write), std::string(9 * kBlock, 'n'));
    for (int i = 0; i < 6; ++i) make(*dir, "f" + std::to_string(i), "text");
    env.crash(Survives::random_part, seed);
    std::string all;
    for (const std::string& name : env.list("/")) all += name + *env.content("/" + name);
    return all;
  };
  std::set<std::string> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(once(seed), once(seed));
    different.insert(once(seed));
  }
  EXPECT_GT(different.size(), 10u);
}

TEST(MemEnvCrash, KillsOpenObjectsAndFreesLocks) {
  MemEnv env;
  env.put_file("/a", "x");
  const auto dir = open(env, "/");
  const auto file = dir->open_file("a", Access::read_write);
  ASSERT_TRUE(file->try_lock());
  const std::int64_t pid = env.process_id();
  env.crash(Survives::everything, 0);
  for (const std::function<void()>& use : std::vector<std::function<void()>>{
           [&] { file->status(); }, [&] { file->sync(); }, [&] { file->close(); }, [&] { write(*file, "y"); },
           [&] { dir->list(); }, [&] { dir->sync(); }, [&] { dir->open_file("a", Access::read); },
           [&] { open(env, "/")->link(*file, "b"); },
           [&] { open(env, "/")->rename("a", *dir, "b", Replace::yes); }}) {
    try {
      use();
      ADD_FAILURE() << "worked after the power cut";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      EXPECT_EQ(error.reason(), "use after power cut");
    }
  }
  EXPECT_TRUE(open(env, "/")->open_file("a", Access::read)->try_lock());
  EXPECT_NE(env.process_id(), pid);
  EXPECT_EQ(env.list("/"), std::vector<std::string>{"a"});
}

TEST(MemEnvCrash, KeepsHardLinksOneFile) {
  MemEnv env;
  env.put_file("/a", "x");
  env.put_link("/b", "/a");
  env.crash(Survives::synced_only, 0);
  EXPECT_EQ(env.status("/a")->links, 2u);
  write(*open(env, "/")->open_file("a", Access::read_write), "y");
  EXPECT_EQ(env.content("/b"), "y");
}

}  // namespace
}  // namespace io
