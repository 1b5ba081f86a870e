// Sources as a server leaves them, or as a disk does: growing, packed, shrinking meanwhile; torn at the end;
// damaged.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "io/hooked_env.h"
#include "support/fixture.h"
#include "support/fs_builder.h"
#include "support/repozo_school.h"
#include "support/scene.h"

namespace {

using support::Files;
using support::Packing;
using support::RepozoRun;

const std::string kData = std::string(support::kRepozoDir) + "/Data.fs";
const std::string kRepo = std::string(support::kRepoDir) + "/";

std::string packed_school() {
  return support::render(support::packed(support::school_history(60)));
}

// `repozo WORDS...`, and once, before the first operation of this name on a path that contains `part`,
// `happens`.
RepozoRun run_while(io::MemEnv& mem, const std::vector<std::string>& words, const std::string& operation,
                    const std::string& part, const std::function<void(const std::string& path)>& happens) {
  bool done = false;
  const auto env = io::make_hooked_env(mem, [&](const io::Operation& each) {
    if (!done && each.name == operation && each.path.find(part) != std::string::npos) {
      done = true;
      happens(each.path);
    }
    return io::no_limit;
  });
  const RepozoRun run = support::run_repozo(*env, words);
  EXPECT_TRUE(done) << "there was no " << operation << " of " << part;
  return run;
}

const std::vector<std::string> kBackup = {"-B", "-r", "repo", "-f", "Data.fs"};
const std::vector<std::string> kFull = {"-B", "-F", "-k", "-r", "repo", "-f", "Data.fs"};

std::string recovered(io::MemEnv& mem) {
  const RepozoRun run = support::run_repozo(mem, {"-R", "-r", "repo"});
  EXPECT_EQ(run.status, 0) << run.err;
  return run.out;
}

TEST(RepozoLiveSource, ThatGrowsIsBackedUpAsItWasAtAWholeTransaction) {
  for (const auto& words : {kBackup, kFull}) {
    io::MemEnv mem;
    support::put_school(mem, Packing::plain);
    mem.put_file(kData, support::with_torn_tail(support::school(58)));
    const RepozoRun run = run_while(mem, words, "sync", ".tmp",
                                    [&](const std::string&) { mem.put_file(kData, support::school(60)); });
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_BYTES(recovered(mem), support::school(58));
    EXPECT_EQ(support::run_repozo(mem, {"-V", "-r", "repo"}).status, 0);
    EXPECT_EQ(support::run_repozo(mem, kBackup).status, 0);
    EXPECT_BYTES(recovered(mem), support::school(60));
  }
}

// A pack renames a new file over the old one, which whoever has it open goes on reading.
TEST(RepozoLiveSource, ThatIsPackedMeanwhileIsBackedUpAsOneOfTheTwo) {
  for (const char* moment : {"open_file", "read_some", "status"}) {
    SCOPED_TRACE(moment);
    io::MemEnv mem;
    support::put_school(mem, Packing::plain);
    mem.put_file(kData, support::school(60));
    const RepozoRun run = run_while(mem, kFull, moment, "Data.fs", [&](const std::string&) {
      mem.put_file(kData + ".pack", packed_school());
      auto folder = mem.open_dir(support::kRepozoDir, io::Links::refuse);
      folder->rename("Data.fs.pack", *folder, "Data.fs", io::Replace::yes);
    });
    if (run.status == 0) {
      const std::string found = recovered(mem);
      EXPECT_TRUE(found == support::school(60) || found == packed_school()) << support::brief(found);
    } else {
      EXPECT_BYTES(recovered(mem), support::school_states().back());
    }
    EXPECT_EQ(support::run_repozo(mem, {"-V", "-r", "repo"}).status, 0);
  }
}

// An increment is empty when only an unfinished end had been added. Its sum matches any file that is as long.
TEST(RepozoLiveSource, ThatWasPackedAndGrewAgainBehindAnEmptyIncrementIsBackedUpInFull) {
  for (const char* quick : {"-Q", "-v"}) {
    SCOPED_TRACE(quick);
    io::MemEnv mem;
    support::put_school(mem, Packing::plain);
    const std::string held = support::school_states().back();
    mem.put_file(kData, support::with_torn_tail(held));
    ASSERT_EQ(support::run_repozo_at(mem, "2026-02-06-03-15-00", kBackup).status, 0);
    EXPECT_BYTES(mem.content(kRepo + "2026-02-06-03-15-00.deltafs"), "");
    const std::string regrown = support::render(support::packed(support::school_history(300)));
    ASSERT_GT(regrown.size(), held.size());
    mem.put_file(kData, regrown);
    auto words = kBackup;
    words.insert(words.end(), {"-v", quick});
    const RepozoRun run = support::run_repozo_at(mem, "2026-02-07-03-15-00", words);
    EXPECT_EQ(run.status, 0);
    EXPECT_NE(run.err.find("file changed"), std::string::npos) << run.err;
    EXPECT_BYTES(recovered(mem), regrown);
  }
}

TEST(RepozoLiveSource, ThatShrinksInPlaceMeanwhileIsNotBackedUp) {
  for (const auto& words : {kBackup, kFull}) {
    io::MemEnv mem;
    support::put_school(mem, Packing::plain);
    mem.put_file(kData, support::school(300));
    const Files before = support::files_in(mem, support::kRepoDir);
    const RepozoRun run = run_while(mem, words, "create_file", "fs.dbtools-",
                                    [&](const std::string&) { mem.put_file(kData, support::school(20)); });
    EXPECT_EQ(run.status, 1);
    EXPECT_NE(run.err.find("Data.fs"), std::string::npos) << run.err;
    EXPECT_TRUE(support::without_extras(support::files_in(mem, support::kRepoDir)) ==
                support::without_extras(before));
    EXPECT_BYTES(recovered(mem), support::school_states().back());
  }
}

// What the disk gives back is not what was written to it.
TEST(RepozoKillOld, RemovesNothingUnlessTheNewBackupReadsBackWell) {
  for (const char* gzip : {"-v", "-z"}) {
    SCOPED_TRACE(gzip);
    io::MemEnv mem;
    support::put_school(mem, Packing::plain);
    mem.put_file(kData, support::school(60));
    const Files before = support::files_in(mem, support::kRepoDir);
    auto words = kFull;
    words.push_back(gzip);
    const RepozoRun run = run_while(mem, words, "sync", "fs", [&](const std::string& path) {
      if (path.find(".tmp") == std::string::npos) return;
      std::string content = *mem.content(path);
      content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
      mem.put_file(path, content);
    });
    EXPECT_EQ(run.status, 1);
    const Files after = support::files_in(mem, support::kRepoDir);
    for (const auto& [name, content] : before) {
      EXPECT_TRUE(after.count(name)) << name;
    }
    EXPECT_BYTES(recovered(mem), support::school_states().back());
  }
}

// Where we differ from ZODB on purpose: an empty file is no database to us, one with the magic of Python 2
// is, and we do not trip over a status byte that is no ASCII.
bool is_own_opinion(const std::string& name) {
  return name == "empty.fs" || name == "magic-FS21.fs" || name == "plus-noise-100.fs";
}

// Each torn or damaged file of tests/data/damage: what ZODB opens is backed up to where ZODB says that it
// ends; what it does not open, or would cut whole transactions off, is refused and displaces nothing.
TEST(RepozoDamagedSource, IsTornAndBackedUpOrDamagedAndRefused) {
  std::size_t taken = 0, refused = 0;
  for (const std::string& folder : {std::string("damage/fs30-torn"), std::string("damage/fs30-corrupt"),
                                    std::string("damage/fs30-corrupt-back-pointers")}) {
    const auto expected = support::read_expected(folder);
    for (const auto& facts : expected.at("files")) {
      const std::string name = facts.at("name");
      SCOPED_TRACE(folder + "/" + name);
      if (!facts.contains("open_read_only") || is_own_opinion(name)) continue;
      const auto& theirs = facts["open_read_only"];
      const std::string content = support::read_fixture(folder + "/" + name);
      io::MemEnv mem;
      support::put_school(mem, Packing::plain);
      mem.put_file(kData, content);
      const Files before = support::files_in(mem, support::kRepoDir);
      const RepozoRun run = support::run_repozo(mem, kFull);
      const bool opens = !theirs.contains("error");
      if (run.status == 0) {
        ++taken;
        EXPECT_TRUE(opens) << theirs;
        if (opens) {
          EXPECT_BYTES(recovered(mem), content.substr(0, theirs.at("end_of_data").get<std::size_t>()));
        }
      } else {
        ++refused;
        EXPECT_NE(run.err.find("Data.fs"), std::string::npos) << run.err;
        EXPECT_TRUE(support::without_extras(support::files_in(mem, support::kRepoDir)) ==
                    support::without_extras(before));
        // Torn at the end is no damage.
        EXPECT_FALSE(opens && folder == "damage/fs30-torn") << run.err;
      }
    }
  }
  EXPECT_GT(taken, 30u);
  EXPECT_GT(refused, 20u);
}

}  // namespace
