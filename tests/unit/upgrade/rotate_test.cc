#include "upgrade/rotate.h"

#include "unit/upgrade/rotate_fixture.h"

namespace upgrade {
namespace {

using Rotate = RotateTest;

// ---- compressing

TEST_F(Rotate, CompressesOlderGenerationsAndLeavesTheNewestPlain) {
  put({{"Data.fs", database(5)},
       {"Data.fs.0", database(5)},
       {"Data.fs.1", database(4, 6, 70'000)},
       {"Data.fs.2", database(3)},
       {"Data.fs.3.gz", gzipped(database(2))}});
  set_age("Data.fs.1", 86'400);
  const auto before = contents();
  const io::FileStatus plain = *mem_.status(path("Data.fs.1"));

  const RotateReport report = run();
  EXPECT_EQ(names(), "0 1.gz 2.gz 3.gz");
  EXPECT_EQ(contents(), before);
  EXPECT_EQ(report.done.compress, (Names{"Data.fs.2", "Data.fs.1"}));
  EXPECT_EQ(report.done.remove, Names());
  EXPECT_EQ(report.done.skipped, Names());
  EXPECT_EQ(report.failed, Names());
  EXPECT_EQ(report.bytes_before, database(4, 6, 70'000).size() + database(3).size());
  EXPECT_EQ(report.bytes_after,
            mem_.status(path("Data.fs.1.gz"))->size + mem_.status(path("Data.fs.2.gz"))->size);
  EXPECT_LT(report.bytes_after, report.bytes_before);

  const io::FileStatus compressed = *mem_.status(path("Data.fs.1.gz"));
  EXPECT_EQ(compressed.owner, plain.owner);
  EXPECT_EQ(compressed.mode, plain.mode);
  EXPECT_EQ(compressed.modified, plain.modified);
  EXPECT_EQ(*mem_.content(path("Data.fs")), database(5));
}

TEST_F(Rotate, DoesNotCarryOverSetUserId) {
  put({});
  mem_.put_file(path("Data.fs.1"), database(1), support::rotation::kSchooltool, 04755);
  run();
  EXPECT_EQ(mem_.status(path("Data.fs.1.gz"))->mode, 0755U);
}

TEST_F(Rotate, ChangesNothingTheSecondTime) {
  put({{"Data.fs.0", database(5)}, {"Data.fs.1", database(4)}});
  run();
  const io::FileStatus first = *mem_.status(path("Data.fs.1.gz"));
  const RotateReport again = run();
  EXPECT_TRUE(again.done.compress.empty());
  EXPECT_TRUE(mem_.status(path("Data.fs.1.gz"))->same_file(first));
}

TEST_F(Rotate, HasNothingToDoWithoutAFolderOrInAnEmptyOne) {
  EXPECT_EQ(run().done.compress, Names());
  put({});
  EXPECT_EQ(run().done.compress, Names());
}

TEST_F(Rotate, UnderstandsWhatSavelogLeft) {
  put({{"Data.fs.0", database(9)},
       {"Data.fs.1.gz", gzipped(database(8))},
       {"Data.fs.3", database(6)},
       {"Data.fs.5", database(4)},
       {"Data.fs.6.gz", gzipped(database(3))}});
  const auto before = contents();
  EXPECT_EQ(run().done.compress, (Names{"Data.fs.5", "Data.fs.3"}));
  EXPECT_EQ(names(), "0 1.gz 3.gz 5.gz 6.gz");
  EXPECT_EQ(contents(), before);
}

TEST_F(Rotate, LeavesNamesThatOnlyLookAlike) {
  const std::map<std::string, std::string> others = {
      {"Data.fs.2010", database(1)},      {"Data.fs.01", database(1)},
      {"Data.fs.old", database(1)},       {"Data.fs.1.bz2", "x"},
      {"another-Data.fs.1", database(1)}, {"Data.fs.blank-20261123T141908Z", blank_database()}};
  put(others);
  run();
  for (const auto& [name, content] : others) EXPECT_EQ(mem_.content(path(name)), content) << name;
  EXPECT_EQ(mem_.list(support::rotation::kDataDir).size(), others.size());
}

TEST_F(Rotate, CompressesDamagedAndBlankOnesToo) {
  put({{"Data.fs.1", blank_database()},
       {"Data.fs.2", std::string(50'000, '\0')},
       {"Data.fs.3", database(1) + "torn"}});
  const auto before = contents();
  run();
  EXPECT_EQ(names(), "1.gz 2.gz 3.gz");
  EXPECT_EQ(contents(), before);
}

TEST_F(Rotate, LeavesAnEmptyFile) {
  put({{"Data.fs.1", ""}});
  EXPECT_EQ(run().done.skipped, Names{"'Data.fs.1': is empty"});
  EXPECT_EQ(names(), "1");
}

TEST_F(Rotate, CountsProgressOverAllFiles) {
  put({{"Data.fs.1", database(4, 40, 100'000)}, {"Data.fs.2", database(3, 40, 100'000)}});
  std::uint64_t last = 0;
  bool rising = true;
  rotate(mem_, instance_, [&](std::uint64_t bytes) {
    rising = rising && bytes >= last;
    last = bytes;
  });
  EXPECT_TRUE(rising);
  EXPECT_EQ(last, database(4, 40, 100'000).size() + database(3, 40, 100'000).size());
}

// ---- a number that is there twice

TEST_F(Rotate, FinishesAnInterruptedRun) {
  put({{"Data.fs.1", database(4)}});
  {  // by somebody who did not sync
    const auto dir = mem_.open_dir(support::rotation::kDataDir, io::Links::refuse);
    const auto file = dir->create_file("Data.fs.1.gz", 0640);
    file->write_full(0, base::as_bytes(gzipped(database(4))));
    file->set_owner(support::rotation::kSchooltool);
  }
  const io::FileStatus compressed = *mem_.status(path("Data.fs.1.gz"));
  EXPECT_EQ(run().done.compress, Names{"Data.fs.1"});
  EXPECT_EQ(names(), "1.gz");
  EXPECT_TRUE(mem_.status(path("Data.fs.1.gz"))->same_file(compressed));
  mem_.crash(io::Survives::synced_only, 1);
  EXPECT_EQ(contents(), (std::map<std::string, std::string>{{"1", database(4)}}));
}

TEST_F(Rotate, ReplacesACompressedFormThatWasNeverFinished) {
  const std::string cut = gzipped(database(4)).substr(0, 60);
  put({{"Data.fs.1", database(4)}, {"Data.fs.1.gz", cut}});
  set_age("Data.fs.1.gz", 3600);
  run();
  EXPECT_EQ(names(), "1.gz");
  EXPECT_EQ(contents().at("1"), database(4));
}

TEST_F(Rotate, WaitsForACompressedFormThatMayStillBeWritten) {
  const std::string cut = gzipped(database(4)).substr(0, 60);
  put({{"Data.fs.1", database(4)}, {"Data.fs.1.gz", cut}});
  set_age("Data.fs.1.gz", 5);
  EXPECT_EQ(run().done.skipped, Names{"'Data.fs.1': its compressed form may still be written"});
  EXPECT_EQ(mem_.content(path("Data.fs.1")), database(4));
  EXPECT_EQ(mem_.content(path("Data.fs.1.gz")), cut);
}

TEST_F(Rotate, LeavesAPairOfWhichNeitherIsWhole) {
  const std::string cut = gzipped(database(4)).substr(0, 60);
  put({{"Data.fs.1", "FS30 and rubbish"}, {"Data.fs.1.gz", cut}});
  set_age("Data.fs.1.gz", 3600);
  EXPECT_EQ(run().done.skipped, Names{"'Data.fs.1': neither it nor its compressed form is whole"});
  EXPECT_EQ(mem_.content(path("Data.fs.1")), "FS30 and rubbish");
  EXPECT_EQ(mem_.content(path("Data.fs.1.gz")), cut);
}

TEST_F(Rotate, MakesTwoNumbersOfTwoDifferentDatabases) {
  // The compressed one is newer: it keeps the number.
  put({{"Data.fs.0", database(9)},
       {"Data.fs.1", database(7)},
       {"Data.fs.1.gz", gzipped(database(8))},
       {"Data.fs.2.gz", gzipped(database(6))},
       {"Data.fs.4.gz", gzipped(database(5))}});
  run();
  EXPECT_EQ(names(), "0 1.gz 2.gz 3.gz 4.gz");
  EXPECT_EQ(contents(), (std::map<std::string, std::string>{{"0", database(9)},
                                                            {"1", database(8)},
                                                            {"2", database(7)},
                                                            {"3", database(6)},
                                                            {"4", database(5)}}));
}

TEST_F(Rotate, MovesTheCompressedOneUpIfItIsOlder) {
  put({{"Data.fs.1", database(8)},
       {"Data.fs.1.gz", gzipped(database(7))},
       {"Data.fs.2", database(6)},
       {"Data.fs.2.gz", gzipped(database(5))}});
  run();
  EXPECT_EQ(names(), "1.gz 2.gz 3.gz 4.gz");
  EXPECT_EQ(contents(), (std::map<std::string, std::string>{
                            {"1", database(8)}, {"2", database(7)}, {"3", database(6)}, {"4", database(5)}}));
}

TEST_F(Rotate, NeverReplacesAGoodCompressedOneByABlankOne) {
  put({{"Data.fs.1", blank_database()}, {"Data.fs.1.gz", gzipped(database(7))}});
  run();
  EXPECT_EQ(contents(), (std::map<std::string, std::string>{{"1", database(7)}, {"2", blank_database()}}));
}

// ---- a hostile or unlucky folder

TEST_F(Rotate, LeavesEverythingAloneThatIsNotAPlainFileOfTheOwner) {
  put({{"Data.fs.5", database(5)}, {"Data.fs.6", database(6)}});
  mem_.put_file("/etc/shadow", database(1, 3, 500), {0, 42}, 0640);
  mem_.put_symlink(path("Data.fs.1"), "/etc/shadow", support::rotation::kSchooltool);
  mem_.put_special(path("Data.fs.2"), io::FileType::fifo, support::rotation::kSchooltool);
  mem_.put_link(path("Data.fs.3"), "/etc/shadow");
  mem_.put_dir(path("Data.fs.4"), support::rotation::kSchooltool);
  mem_.put_symlink(path("Data.fs.5.gz"), "/etc/shadow", support::rotation::kSchooltool);
  mem_.put_special(path("Data.fs.7"), io::FileType::block_device, support::rotation::kSchooltool);
  instance_.settings.keep = 1;
  instance_.settings.keep_min = 1;
  instance_.settings.min_free = ~std::uint64_t{0};

  const RotateReport report = run();
  // Only .5 and .6 count, and one of them stays.
  EXPECT_EQ(mem_.content("/etc/shadow"), database(1, 3, 500));
  EXPECT_EQ(mem_.status("/etc/shadow")->owner, (io::Owner{0, 42}));
  EXPECT_EQ(mem_.status(path("Data.fs.1"))->type, io::FileType::symlink);
  EXPECT_EQ(mem_.status(path("Data.fs.2"))->type, io::FileType::fifo);
  EXPECT_EQ(mem_.status(path("Data.fs.3"))->links, 2U);
  EXPECT_EQ(mem_.status(path("Data.fs.4"))->type, io::FileType::directory);
  EXPECT_EQ(mem_.status(path("Data.fs.5.gz"))->type, io::FileType::symlink);
  EXPECT_EQ(mem_.status(path("Data.fs.7"))->type, io::FileType::block_device);
  EXPECT_EQ(report.done.remove, Names{"Data.fs.6"});
  EXPECT_EQ(report.done.compress, Names());
  EXPECT_EQ(mem_.content(path("Data.fs.5")), database(5));
  EXPECT_EQ(report.done.skipped.size(), 7U);
}

TEST_F(Rotate, DoesNotReadAFileThatClaimsToBeLargerThanItsFileSystem) {
  put({{"Data.fs.1", database(1)}});
  const auto file = mem_.open_dir(support::rotation::kDataDir, io::Links::refuse)
                        ->open_file("Data.fs.1", io::Access::read_write);
  file->truncate(std::uint64_t{1} << 40);
  file->set_modified({});
  mem_.set_capacity(1 << 30);
  EXPECT_EQ(run().done.skipped, Names{"'Data.fs.1': claims to be larger than its file system"});
  EXPECT_EQ(names(), "1");
}

TEST_F(Rotate, GoesOnAfterACopyThatCannotBeRead) {
  put({{"Data.fs.1", database(1)}, {"Data.fs.2", database(2)}, {"Data.fs.3", database(3)}});
  const auto env = io::make_hooked_env(mem_, [](const io::Operation& operation) {
    if (operation.name == "read_some" && operation.path.ends_with("Data.fs.2")) {
      throw base::Error::from_errno("read", operation.path, EIO);
    }
    return io::no_limit;
  });
  const RotateReport report = rotate(*env, instance_, {});
  EXPECT_EQ(names(), "1.gz 2 3.gz");
  ASSERT_EQ(report.failed.size(), 1U);
  EXPECT_NE(report.failed[0].find("Data.fs.2"), std::string::npos);
}

// A disk that gives other bytes back than were written.
TEST_F(Rotate, KeepsThePlainFileIfTheCompressedOneDoesNotReadBackTheSame) {
  put({{"Data.fs.1", database(1)}});
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "drop_cache" && operation.path.find(".gz.dbtools-") != std::string::npos) {
      mem_.put_file(operation.path, gzipped(database(2)), support::rotation::kSchooltool, 0640);
    }
    return io::no_limit;
  });
  const RotateReport report = rotate(*env, instance_, {});
  ASSERT_EQ(report.failed.size(), 1U);
  EXPECT_NE(report.failed[0].find("does not read back the same"), std::string::npos);
  EXPECT_EQ(mem_.content(path("Data.fs.1")), database(1));
  EXPECT_EQ(mem_.list(support::rotation::kDataDir), Names{"Data.fs.1"});
}

// savelog(8) renames generations while we run, at every operation that changes something.
TEST_F(Rotate, LosesNothingWhenNumbersMoveMeanwhile) {
  std::uint64_t operations = 1'000;
  for (std::uint64_t at = 0; at < operations; ++at) {
    io::MemEnv mem;
    mem.set_now(kNow);
    mem.put_dir(kStateRoot, {}, 0700);
    support::rotation::put_data_folder(
        mem, {{"Data.fs.0", database(9)}, {"Data.fs.1", database(8)}, {"Data.fs.2", database(7)}});
    std::uint64_t count = 0;
    const auto env = io::make_hooked_env(mem, [&](const io::Operation& operation) {
      if (!operation.changes || count++ != at) return io::no_limit;
      const auto dir = mem.open_dir(support::rotation::kDataDir, io::Links::refuse);
      for (const unsigned number : {3U, 2U, 1U, 0U}) {
        for (const bool compressed : {true, false}) {
          const std::string from = generation_name("Data.fs", {number, compressed});
          const std::string to = generation_name("Data.fs", {number + 1, compressed});
          if (dir->status(from)) dir->rename(from, *dir, to, io::Replace::yes);
        }
      }
      return io::no_limit;
    });
    rotate(*env, instance_, {});
    rotate(mem, instance_, {});
    std::multiset<std::string> found;
    for (const auto& [number, content] : support::rotation::generations(mem)) {
      for (const unsigned school : {7U, 8U, 9U}) {
        if (content == database(school)) found.insert("school " + std::to_string(school));
      }
    }
    EXPECT_EQ(found, (std::multiset<std::string>{"school 7", "school 8", "school 9"}))
        << "at operation " << at << ": " << support::rotation::generation_names(mem);
    if (count <= at) operations = at;
  }
  EXPECT_GT(operations, 20U);
  EXPECT_LT(operations, 1'000U);
}

TEST_F(Rotate, SweepsItsOwnLeftoversOnly) {
  put({{".Data.fs.1.gz.dbtools-0123456789abcdef.tmp", "half"},
       {".another-Data.fs.0.dbtools-0123456789abcdef.tmp", "busy"}});
  run();
  EXPECT_EQ(mem_.list(support::rotation::kDataDir), Names{".another-Data.fs.0.dbtools-0123456789abcdef.tmp"});
}

TEST_F(Rotate, IsRefusedWhileAnotherCommandWorks) {
  put({{"Data.fs.1", database(1)}});
  instance_.settings.lock_wait = 1;
  const auto state = open_state(mem_, "standard");
  const io::FileLock lock = lock_instance(*state, "a snapshot", 0, mem_);
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { run(); }, "a snapshot"));
  EXPECT_EQ(names(), "1");
}

}  // namespace
}  // namespace upgrade
