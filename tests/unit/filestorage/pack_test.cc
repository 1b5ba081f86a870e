// What a pack does beside packing: reports, plans, owner and mode, progress.
#include "filestorage/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "filestorage/index_file.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "support/fixture.h"
#include "support/pack_case.h"
#include "unit/filestorage/pack_fixture.h"

namespace filestorage {
namespace {

using base::ErrorKind;
using support::fails_with;

using Pack = PackFixture;

TEST_F(Pack, KeepsOwnerAndMode) {
  put(small());
  EXPECT_EQ(run().outcome, PackOutcome::packed);
  for (const char* name : {"/data/Data.fs", "/data/Data.fs.index"}) {
    EXPECT_EQ(mem.status(name)->owner, support::kPackOwner) << name;
    EXPECT_EQ(mem.status(name)->mode, 0640u) << name;
  }
}

TEST_F(Pack, ReportsWhatItDid) {
  const std::string before = small();
  put(before);
  const PackReport report = run();
  EXPECT_EQ(report.size_before, before.size());
  EXPECT_EQ(report.size_after, data().size());
  EXPECT_EQ(report.objects, 3u);
  EXPECT_EQ(report.counts.records_kept, 3u);
  EXPECT_EQ(report.counts.records_dropped, 3u);
  EXPECT_EQ(report.counts.transactions_kept, 2u);
  EXPECT_EQ(report.counts.transactions_dropped, 1u);
}

TEST_F(Pack, PlansWhatItWouldFreeByClassAndChangesNothing) {
  const std::string before = small();
  put(before);
  const auto env = io::make_read_only_env(mem);
  const PackPlan plan = plan_pack(*env, "/data", "Data.fs", request);
  EXPECT_EQ(data(), before);
  EXPECT_EQ(plan.outcome, PackOutcome::packed);
  ASSERT_EQ(plan.freed.size(), 2u);
  EXPECT_EQ(plan.freed.at("school.Person").records, 2u);
  EXPECT_EQ(plan.freed.at("school.Person").bytes,
            84 + pickle("Person", {2}).size() + pickle("Person", {2, 2}).size());
  EXPECT_EQ(plan.freed.at("school.Lost").records, 1u);
  EXPECT_EQ(plan.size_after, run().size_after);
}

TEST_F(Pack, PlansWhatItThenDoesOnEveryFixture) {
  support::for_each_pack([](io::MemEnv& scene, const support::PackStep& step) {
    const PackRequest wanted = support::request_of(step.expected);
    if (!step.expected["error"].is_null()) return;
    const PackPlan plan = plan_pack(scene, "/data", "Data.fs", wanted);
    const PackReport report = pack(scene, "/data", "Data.fs", wanted);
    EXPECT_EQ(plan.outcome, report.outcome);
    EXPECT_EQ(plan.size_after, report.size_after);
    EXPECT_EQ(plan.counts.records_dropped, report.counts.records_dropped);
  });
}

TEST_F(Pack, PlansTheBlobsThatWouldGo) {
  put_fixture("fs30-blobs-bushy");
  support::put_blobs(mem, "fs/fs30-blobs-bushy");
  request.blobs = "/data/blobs";
  const PackPlan plan = plan_pack(mem, "/data", "Data.fs", request);
  EXPECT_GT(plan.blobs, 0u);
  EXPECT_EQ(plan.blobs, run().blobs_removed);
}

// A transaction of status 'u' that deletes the root and all else, before the pack time or behind it: for a
// server without an index that has never happened.
TEST_F(Pack, DoesNotDeleteWhatADeletionThatWasUndoneDeletes) {
  const Tid first = base::tid_of({1'700'000'000, 0});
  std::string bytes;
  support::FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; });
  builder.begin(first);
  const std::uint64_t root = builder.record(0, pickle("Root", {1}));
  builder.record(1, pickle("Person", {}));
  builder.finish();
  builder.begin(first + 1);
  builder.record(1, pickle("Person", {0}));
  builder.finish();
  builder.begin(first + 2);
  builder.back_pointer(0, 0);
  builder.back_pointer(1, 0);
  builder.finish('u');
  for (const Tid stop : {first + 1, ~Tid{0}}) {
    for (const bool gc : {true, false}) {
      SCOPED_TRACE((stop == first + 1 ? "before it" : "behind it") + std::string(gc ? " gc" : " no gc"));
      put(bytes);
      request.options.stop = stop;
      request.options.collect_garbage = gc;
      EXPECT_EQ(run().outcome, PackOutcome::packed);
      EXPECT_LT(data().size(), bytes.size());
      const auto file =
          mem.open_dir("/data", io::Links::refuse)->open_file("Data.fs.index", io::Access::read);
      std::string why;
      const auto index = read_index(*file, why);
      ASSERT_TRUE(index) << why;
      EXPECT_EQ(index->positions.get(0), root);
      EXPECT_NE(index->positions.get(1), 0u);
      EXPECT_EQ(data().substr(static_cast<std::size_t>(root), 8), std::string(8, '\0'));
    }
  }
  put(bytes);
  request.options.collect_garbage = true;
  request.options.flaws = PackFlaws::copied;
  run();
  EXPECT_EQ(data(), kMagicFs30) << "ZODB's pack loses everything";
}

TEST_F(Pack, GivesTheSameBytesWithOneThreadAndWithTwo) {
  put_fixture("fs30-school");
  request.options.threads = 1;
  run();
  const std::string one = data();
  put_fixture("fs30-school");
  request.options.threads = 2;
  run();
  EXPECT_EQ(data(), one);
}

TEST_F(Pack, OfATornFilePacksWhatIsCompleteAndKeepsTheRest) {
  const std::string whole = small();
  put(whole);
  run();
  const std::string packed = data();
  const std::string torn = whole.substr(whole.size() / 2, 100);
  put(whole + torn);
  mem.put_file("/data/Data.fs.tr0", "of an earlier crash");
  const PackReport report = run();
  EXPECT_EQ(data(), packed);
  EXPECT_EQ(report.torn_bytes, 100u);
  EXPECT_EQ(report.torn_saved, "Data.fs.tr1");
  EXPECT_EQ(mem.content("/data/Data.fs.tr1"), torn);
}

// As on a signal: at any report of progress.
TEST_F(Pack, IsStoppedByProgressAndLeavesNothingBehind) {
  put_fixture("fs30-school");
  const std::string before = data(), index = *mem.content("/data/Data.fs.index");
  request.keep_old = true;
  int stopped = 0;
  for (bool packed = false; !packed; ++stopped) {
    int reports = 0;
    request.progress = [&](std::uint64_t) {
      return [&](std::uint64_t) {
        if (reports++ == stopped) throw std::runtime_error("stopped");
      };
    };
    try {
      run();
      packed = true;
    } catch (const std::runtime_error&) {
      EXPECT_EQ(data(), before);
      EXPECT_EQ(mem.content("/data/Data.fs.index"), index);
      EXPECT_EQ(mem.list("/data"), (std::vector<std::string>{"Data.fs", "Data.fs.index", "Data.fs.lock"}));
    }
  }
  EXPECT_GE(stopped, 4);
}

TEST_F(Pack, TellsProgressInEveryPass) {
  const std::string filler(3 << 20, 'x');
  std::string bytes;
  support::FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; });
  for (Tid tid = 1; tid <= 24; ++tid) {
    builder.begin(tid);
    builder.record(0, "cschool\nRoot\n.T" + std::string("\0\0\x30\0", 4) + filler + ".");
    builder.finish();
  }
  for (const bool gc : {true, false}) {
    SCOPED_TRACE(gc);
    put(bytes);
    std::uint64_t total = 0;
    std::vector<std::uint64_t> told;
    request.options.stop = 12;
    request.options.collect_garbage = gc;
    request.progress = [&](std::uint64_t all) {
      total = all;
      return [&](std::uint64_t done) { told.push_back(done); };
    };
    EXPECT_EQ(run().outcome, PackOutcome::packed);
    ASSERT_GT(told.size(), 10u);
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
    EXPECT_EQ(told.back(), total);
    // To the pack time, once for what is there and once for what it refers to; then what is behind it.
    EXPECT_LT(told.front(), bytes.size() / 4);
    const std::uint64_t behind = bytes.size() / (gc ? 1 : 2);
    EXPECT_GE(std::count_if(told.begin(), told.end(),
                            [&](std::uint64_t at) { return at > behind && at < behind + bytes.size() / 2; }),
              3);
  }
}

TEST_F(Pack, OfEmptyAndForeignFilesChangesNothing) {
  for (const std::string& bytes : {std::string(), std::string("FS21"), std::string("FS30")}) {
    put(bytes);
    EXPECT_EQ(run().outcome, PackOutcome::empty) << bytes;
    EXPECT_EQ(data(), bytes);
  }
  put("GIF89a, which is no database at all");
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { run(); }, "not a FileStorage"));
  mem.remove_all(kData);
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { run(); }));
}

TEST_F(Pack, ASecondTimeSaysThatItIsPackedAlready) {
  put(small());
  EXPECT_EQ(run().outcome, PackOutcome::packed);
  const std::string once = data();
  EXPECT_EQ(run().outcome, PackOutcome::redundant);
  EXPECT_EQ(data(), once);
}

TEST_F(Pack, SweepsWhatAKilledPackLeft) {
  put(small());
  mem.put_file("/data/.fspack-Data.fs.dbtools-0123456789abcdef.tmp", "half a file");
  mem.put_file("/data/.Data.fs.0.dbtools-0123456789abcdef.tmp", "of a snapshot under way");
  run();
  EXPECT_FALSE(mem.content("/data/.fspack-Data.fs.dbtools-0123456789abcdef.tmp"));
  EXPECT_TRUE(mem.content("/data/.Data.fs.0.dbtools-0123456789abcdef.tmp"));
}

}  // namespace
}  // namespace filestorage
