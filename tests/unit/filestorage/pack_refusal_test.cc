// When a pack is refused, and that nothing has changed then.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "support/fixture.h"
#include "unit/filestorage/pack_fixture.h"

namespace filestorage {
namespace {

using base::ErrorKind;
using support::fails_with;

using PackRefusal = PackFixture;

TEST_F(PackRefusal, IsRefusedWhileAServerHoldsTheLock) {
  put(small());
  mem.put_file("/data/Data.fs.lock", " 4245\n", support::kPackOwner);
  const auto server = mem.open_dir("/data", io::Links::refuse)->open_file("Data.fs.lock", io::Access::read);
  ASSERT_TRUE(server->try_lock());
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { run(); }, "4245"));
  EXPECT_EQ(data(), small());
}

// By a program that does not ask for the lock, as cp and mv do not.
TEST_F(PackRefusal, IsRefusedWhenTheFileWasChangedOrReplacedMeanwhile) {
  const std::string before = small();
  const std::vector<std::function<void()>> disturbances = {
      [&] {
        mem.put_file("/data/restored", before + before.substr(4), support::kPackOwner, 0640);
        const auto dir = mem.open_dir("/data", io::Links::refuse);
        dir->rename("restored", *dir, "Data.fs", io::Replace::yes);
      },
      [&] { mem.put_file(kData, before + "more", support::kPackOwner, 0640); },
      [&] {
        std::string other = before;
        other[other.size() - 9] ^= 1;  // of the last record's data
        const auto file =
            mem.open_dir("/data", io::Links::refuse)->open_file("Data.fs", io::Access::read_write);
        file->write_full(0, base::as_bytes(other));
        file->set_modified({1'800'000'000, 0});
      },
      [&] { mem.remove_all(kData); }};
  for (const auto& disturb : disturbances) {
    // At the last of these, the index of before is about to go and the older Data.fs.old went.
    for (const std::string_view moment : {"reserve", "sync", "remove"}) {
      mem.remove_all("/data");
      put(before);
      mem.put_file("/data/Data.fs.index", "of before", support::kPackOwner, 0640);
      mem.put_file("/data/Data.fs.old", "of an earlier pack");
      request.keep_old = true;
      std::optional<std::string> disturbed;
      bool done = false;
      const auto env = io::make_hooked_env(mem, [&](const io::Operation& operation) {
        if (operation.name == moment && !std::exchange(done, true)) {
          disturb();
          disturbed = mem.content(kData);
        }
        return io::no_limit;
      });
      EXPECT_TRUE(fails_with(
          ErrorKind::busy, [&] { pack(*env, "/data", "Data.fs", request); }, "was changed or replaced"));
      ASSERT_TRUE(done);
      EXPECT_EQ(mem.content(kData), disturbed);
      if (moment != "remove") {
        EXPECT_EQ(mem.content("/data/Data.fs.index"), "of before");
        EXPECT_EQ(mem.content("/data/Data.fs.old"), "of an earlier pack");
      }
      for (const std::string& name : mem.list("/data")) EXPECT_FALSE(io::is_temporary_name(name)) << name;
    }
  }
}

TEST_F(PackRefusal, IsRefusedWhereAFolderStandsInTheWay) {
  request.keep_old = true;
  for (const std::string name : {"/data/Data.fs.index", "/data/Data.fs.old"}) {
    mem.remove_all("/data");
    put(small());
    mem.put_dir(name);
    EXPECT_TRUE(fails_with(
        ErrorKind::unsafe_path, [&] { run(); }, "is a folder"));
    EXPECT_EQ(data(), small());
    EXPECT_EQ(mem.list("/data").size(), 3u);  // the lock
  }
}

TEST_F(PackRefusal, NamesDanglingReferencesAndPacksThemOnRequest) {
  std::string bytes;
  support::FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; });
  builder.begin(base::tid_of({1'700'000'000, 0}));
  builder.record(0, pickle("Root", {1, 7}));
  builder.record(1, pickle("Person", {}));
  builder.record(2, pickle("Lost", {8}));
  builder.finish();
  put(bytes);
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { run(); },
      "1 object that did not exist at the pack time: 0x0000000000000007 (named by 0x0000000000000000)"));
  EXPECT_EQ(data(), bytes);
  request.options.allow_dangling = true;
  const PackReport report = run();
  EXPECT_EQ(report.outcome, PackOutcome::packed);
  EXPECT_EQ(report.dangling_objects, 1u);
  EXPECT_EQ(report.dangling.front().target, 7u);
  EXPECT_EQ(report.objects, 2u);
}

TEST_F(PackRefusal, RefusesAnObjectInUseThatItCannotRead) {
  std::string bytes;
  support::FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; });
  builder.begin(base::tid_of({1'700'000'000, 0}));
  builder.record(0, pickle("Root", {1}));
  builder.record(1, "no pickle");
  builder.record(2, "no pickle either, but nobody needs it");
  builder.finish();
  put(bytes);
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { run(); }, "0x0000000000000001"));
  EXPECT_EQ(data(), bytes);
}

TEST_F(PackRefusal, OfAFileThatBreaksInTheMiddleIsRefused) {
  std::string bytes = small();
  bytes[4 + 8 + 2] = 1;  // the length of the first transaction points far behind the end
  put(bytes);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { run(); }));
  EXPECT_EQ(data(), bytes);
}

// What is on the disk in the end is not what was written: a byte of the new file's second record header.
TEST_F(PackRefusal, PutsNoFileIntoPlaceThatIsNotWhatItShouldBe) {
  const std::string before = small();
  put(before);
  const auto env = io::make_hooked_env(mem, [&](const io::Operation& operation) {
    if (operation.name == "truncate" && operation.path.find(".fspack-Data.fs.") != std::string::npos) {
      const std::string name = operation.path.substr(operation.path.rfind('/') + 1);
      const auto dir = mem.open_dir("/data", io::Links::refuse);
      const auto file = dir->open_file(name, io::Access::read_write);
      file->write_full(4 + 23 + 42 + pickle("Root", {1}).size() + 7, base::as_bytes("?"));
    }
    return io::no_limit;
  });
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { pack(*env, "/data", "Data.fs", request); }, "verify"));
  EXPECT_EQ(data(), before);
  EXPECT_EQ(mem.list("/data"), (std::vector<std::string>{"Data.fs", "Data.fs.lock"}));
}

TEST_F(PackRefusal, AsksForSpaceFirst) {
  const std::string bytes = small();
  put(bytes);
  const auto space = mem.open_dir("/data", io::Links::refuse)->space();
  mem.set_capacity(space.total - space.free + 4096);
  mem.put_file("/data/filler", std::string(3500, 'x'));
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { run(); }));
  EXPECT_EQ(data(), bytes);
  EXPECT_EQ(mem.list("/data"), (std::vector<std::string>{"Data.fs", "Data.fs.lock", "filler"}));
}

// Every damaged file: packed, or refused as it stands; never a crash, a hang or a third thing.
TEST_F(PackRefusal, OfDamagedFilesLeavesThemOrPacksThem) {
  unsigned files = 0, refused = 0;
  for (const std::string& folder : support::fixture_folders("damage")) {
    const nlohmann::json expected = support::read_expected(folder);
    for (const nlohmann::json& facts : expected["files"]) {
      if (facts.contains("data_file")) continue;  // only its index is damaged
      const std::string name = facts["name"];
      const std::string bytes = support::read_fixture(folder + "/" + name);
      SCOPED_TRACE(folder + "/" + name);
      for (const PackFlaws flaws : {PackFlaws::mended, PackFlaws::copied}) {
        for (const bool gc : {true, false}) {
          io::MemEnv scene;
          scene.put_dir("/data");
          scene.put_file(kData, bytes);
          PackRequest one = request;
          one.options.flaws = flaws;
          one.options.collect_garbage = gc;
          ++files;
          try {
            pack(scene, "/data", "Data.fs", one);
          } catch (const base::Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::corrupt) << error.what();
            EXPECT_EQ(scene.content(kData), bytes);
            ++refused;
          }
        }
      }
    }
  }
  EXPECT_GE(files, 400u);
  EXPECT_GE(refused, 100u);
}

}  // namespace
}  // namespace filestorage
