#include "app/pack_job.h"

#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <sstream>

#include "backup/outcome.h"
#include "backup/pair.h"
#include "io/hooked_env.h"
#include "support/conversation.h"
#include "support/errors.h"
#include "support/fake_network.h"
#include "support/fixture.h"
#include "support/scene.h"

namespace app {
namespace {

using base::ErrorKind;
using support::fails_with;
using support::in_data;
using What = PackDecision::What;

constexpr std::int64_t kDay = 86400;

// Everything speaks for an offline pack that halves a database of 100 MB.
PackFacts good_facts() {
  PackFacts facts;
  facts.now = {1795443548, 0};
  facts.backed_up = base::UtcTime{facts.now.seconds - 3600, 0};
  facts.size_before = 100'000'000;
  facts.size_after = 50'000'000;
  facts.worth_it = true;
  facts.free_for_data = facts.free_for_backup = 1'000'000'000;
  return facts;
}

PackJobRequest scheduled() {
  PackJobRequest request;
  request.scheduled = true;
  return request;
}

TEST(PackSchedule, WaitsAWeekOrAMonthLessADayOrSo) {
  upgrade::Settings settings;
  PackFacts facts = good_facts();
  EXPECT_FALSE(reason_to_wait(settings, facts));
  const auto waits = [&](std::int64_t days) {
    facts.packed = base::UtcTime{facts.now.seconds - days * kDay, 0};
    return reason_to_wait(settings, facts).has_value();
  };
  EXPECT_TRUE(waits(5));
  EXPECT_FALSE(waits(6));
  settings.pack_every = upgrade::PackEvery::month;
  EXPECT_TRUE(waits(26));
  EXPECT_FALSE(waits(27));
  EXPECT_FALSE(waits(-3)) << "a clock that was wrong does not put packs off for ever";
  settings.pack_every = upgrade::PackEvery::never;
  EXPECT_TRUE(waits(1000));
}

TEST(PackDecision, GoesThroughTheServerThatRuns) {
  upgrade::Instance instance = support::school_instance();
  PackFacts facts = good_facts();
  EXPECT_EQ(decide_pack(instance, facts, scheduled()).what, What::offline);
  facts.server_runs = true;
  EXPECT_TRUE(fails_with(ErrorKind::unsupported, [&] { decide_pack(instance, facts, scheduled()); }));
  instance.server = "/run/zeo.sock";
  EXPECT_EQ(decide_pack(instance, facts, scheduled()).what, What::online);
}

TEST(PackDecision, LeavesOutWhatIsNotWorthIt) {
  upgrade::Instance instance = support::school_instance();
  PackFacts facts = good_facts();
  facts.size_after = 90'000'001;
  EXPECT_EQ(decide_pack(instance, facts, scheduled()).what, What::leave_out);
  EXPECT_EQ(decide_pack(instance, facts, {}).what, What::offline) << "who names it has decided";
  facts.size_after = 90'000'000;
  EXPECT_EQ(decide_pack(instance, facts, scheduled()).what, What::offline);
  instance.settings.pack_min_gain = {10'000'001, false};
  EXPECT_EQ(decide_pack(instance, facts, scheduled()).what, What::leave_out);
  facts.worth_it = false;
  EXPECT_EQ(decide_pack(instance, facts, {}).what, What::leave_out);
}

TEST(PackDecision, WantsARecentGoodBackup) {
  upgrade::Instance instance = support::school_instance();
  PackFacts facts = good_facts();
  facts.backed_up = base::UtcTime{facts.now.seconds - kDay - 1, 0};
  const auto refused = [&](const PackJobRequest& request) {
    return fails_with(ErrorKind::not_found, [&] { decide_pack(instance, facts, request); });
  };
  EXPECT_TRUE(refused({}));
  facts.backed_up.reset();
  EXPECT_TRUE(refused(scheduled()));
  PackJobRequest without;
  without.without_backup = true;
  EXPECT_EQ(decide_pack(instance, facts, without).what, What::offline);
  instance.settings.pack_backup_age = 0;
  EXPECT_EQ(decide_pack(instance, facts, scheduled()).what, What::offline);
}

TEST(PackDecision, LeavesADatabaseAloneThatTheBackupFoundInDoubt) {
  upgrade::Instance instance = support::school_instance();
  PackFacts facts = good_facts();
  facts.doubt = "the database shrank without a pack";
  for (const PackJobRequest& request : {PackJobRequest{}, scheduled()}) {
    EXPECT_TRUE(fails_with(
        ErrorKind::corrupt, [&] { decide_pack(instance, facts, request); }, "shrank"));
  }
  PackJobRequest without;
  without.without_backup = true;
  EXPECT_EQ(decide_pack(instance, facts, without).what, What::offline);
}

TEST(PackDecision, AsksForTheSpaceOfThePackAndOfTheNextBackup) {
  upgrade::Instance instance = support::school_instance();
  for (std::uint64_t PackFacts::*space : {&PackFacts::free_for_data, &PackFacts::free_for_backup}) {
    PackFacts facts = good_facts();
    facts.*space = facts.size_after;
    EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { decide_pack(instance, facts, scheduled()); }));
  }
  instance.settings.backup = false;
  PackFacts facts = good_facts();
  facts.free_for_backup = 0;
  EXPECT_EQ(decide_pack(instance, facts, scheduled()).what, What::offline);
}

// No more and no less than the backup asks for itself.
TEST(PackDecision, KnowsWhatAFullBackupAsksFor) {
  upgrade::Instance instance = support::school_instance();
  PackFacts facts = good_facts();
  facts.size_before = 20'000'000'000;
  facts.size_after = 10'000'000'000;
  facts.free_for_data = 11'000'000'000;
  facts.free_for_backup = backup::space_for_full(facts.size_after);
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { decide_pack(instance, facts, scheduled()); }));
  facts.free_for_backup += 16'000'000;
  EXPECT_EQ(decide_pack(instance, facts, scheduled()).what, What::offline);
}

TEST(PackDecision, KnowsThatAServerLeavesTheFileOfBeforeBesideThePackedOne) {
  upgrade::Instance instance = support::school_instance();
  instance.server = "/run/zeo.sock";
  PackFacts facts = good_facts();
  facts.shared_space = facts.server_runs = true;
  const std::uint64_t backup = backup::space_for_full(facts.size_after) + 16'000'000;
  const auto packs = [&](std::uint64_t free) {
    facts.free_for_data = facts.free_for_backup = free;
    return !fails_with(
        ErrorKind::no_space, [&] { decide_pack(instance, facts, {}); }, "the full backup");
  };
  EXPECT_FALSE(packs(facts.size_after + backup - 1));
  EXPECT_TRUE(packs(facts.size_after + backup));
  facts.old_size = 40'000'000;  // which goes
  EXPECT_TRUE(packs(facts.size_after + backup - 40'000'000));
  facts.server_runs = false;  // offline the file of before goes
  EXPECT_TRUE(packs(facts.size_after + 16'000'000));
  facts.size_before = facts.size_after + 1;
  EXPECT_FALSE(packs(backup - 2));
  EXPECT_TRUE(packs(backup - 1));
}

class PackJobTest : public testing::Test {
 protected:
  PackJobTest() {
    mem_.set_now({1795443548, 0});
    machine_.put("Data.fs", database_);
    back_up();
  }
  void back_up() {
    backup::Outcome outcome;
    outcome.good = mem_.now();
    backup::save_outcome(*upgrade::open_state(mem_, "standard"), outcome, mem_);
  }
  PackJobReport run(const PackJobRequest& request = scheduled()) {
    return pack_instance(mem_, network_, instance_, request);
  }
  PackRecord record() { return load_pack_record(*upgrade::open_state(mem_, "standard")); }
  std::size_t size() { return mem_.content(in_data("Data.fs"))->size(); }

  const std::string database_ = support::read_fixture("fs/fs30-school/Data.fs");
  io::MemEnv mem_;
  support::Machine machine_{mem_};
  upgrade::Instance instance_ = support::school_instance();
  unsigned connections_ = 0;
  support::FakeNetwork network_{[this](const zeo::Address&) {
    ++connections_;
    return std::make_unique<support::RecordedServer>(support::read_conversation("zeo6-pickle").used(0));
  }};
};

TEST_F(PackJobTest, PacksOfflineAndRecordsIt) {
  const PackJobReport report = run();
  EXPECT_EQ(report.decision.what, What::offline);
  EXPECT_LT(size(), database_.size());
  EXPECT_EQ(record().size_before, database_.size());
  EXPECT_EQ(record().size_after, size());
  EXPECT_EQ(report.estimate.size_after, size());
  EXPECT_GT(record().objects_removed, 0u);
  EXPECT_EQ(base::to_iso(*record().packed), base::to_iso(mem_.now()));
  EXPECT_FALSE(record().by_server);
  EXPECT_EQ(connections_, 0u);
}

// Data and backups are on one file system here.
TEST_F(PackJobTest, AsksTheSharedSpaceForTheFileTheServerLeavesAndTheBackup) {
  machine_.start_server();
  instance_.server = "/run/schooltool/zeo.sock";
  const auto plan = plan_pack_instance(mem_, instance_, scheduled());
  const std::uint64_t used = mem_.open_dir("/", io::Links::refuse)->space().total -
                             mem_.open_dir("/", io::Links::refuse)->space().free;
  const std::uint64_t after = plan.estimate.size_after;
  const std::uint64_t needed = after + backup::space_for_full(after) + 16'000'000;
  mem_.set_capacity(used + needed - 100'000);
  EXPECT_TRUE(fails_with(
      ErrorKind::no_space, [&] { run(); }, "no room for the full backup that follows a pack"));
  EXPECT_EQ(connections_, 0u);
  mem_.set_capacity(used + needed + 100'000);
  EXPECT_EQ(run().decision.what, What::online);
}

TEST_F(PackJobTest, PacksBeforeThereIsABlobFolder) {
  instance_.blob_dir = in_data("no-blobs-yet");
  EXPECT_EQ(run().decision.what, What::offline);
  EXPECT_LT(size(), database_.size());
}

TEST_F(PackJobTest, IsDueAgainAfterAWeek) {
  run();
  const std::size_t packed = size();
  machine_.put("Data.fs", database_);
  EXPECT_EQ(run().decision.what, What::leave_out);
  EXPECT_EQ(size(), database_.size());
  EXPECT_NE(record().left_out, "");
  EXPECT_EQ(record().size_after, packed);
  mem_.set_now({mem_.now().seconds + 7 * kDay, 0});
  back_up();
  EXPECT_EQ(run().decision.what, What::offline);
  EXPECT_EQ(record().left_out, "");
}

TEST_F(PackJobTest, AsksTheServerThatHasItOpen) {
  machine_.start_server();
  instance_.server = "/run/schooltool/zeo.sock";
  const PackJobReport report = run();
  EXPECT_EQ(report.decision.what, What::online);
  EXPECT_EQ(connections_, 1u);
  EXPECT_TRUE(record().by_server);
  EXPECT_EQ(size(), database_.size()) << "the server packs, not we";
}

// Of a server whose storage is the file `path`, up to the pack, which it never answers.
std::string words_of_server(const std::string& path) {
  using namespace std::string_literals;
  const auto frame = [](const std::string& message) {
    return std::string(base::as_text(zeo::framed(base::as_bytes(message))));
  };
  return frame("Z5") + frame("(K\1K\0U\6.replyNt."s) +
         frame("(K\2K\0U\6.reply}U\4nameU"s + static_cast<char>(path.size()) + path + "st.");
}
std::unique_ptr<support::Speaker> server_of_file(const std::string& path) {
  return std::make_unique<support::Speaker>(words_of_server(path));
}

TEST_F(PackJobTest, AsksNoServerToPackAnotherDatabase) {
  machine_.start_server();
  instance_.server = "/run/schooltool/zeo.sock";
  machine_.put("Other.fs", "another");
  support::FakeNetwork network(support::always([] { return server_of_file(in_data("Other.fs")); }));
  EXPECT_TRUE(fails_with(
      ErrorKind::unsupported, [&] { pack_instance(mem_, network, instance_, scheduled()); },
      "the server has another database in this storage: '/var/lib/schooltool/Other.fs'"));
  EXPECT_NE(record().failure, "");
}

TEST_F(PackJobTest, AsksTheServerToLeaveHistoryAsLongAsConfigured) {
  machine_.start_server();
  instance_.server = "/run/schooltool/zeo.sock";
  instance_.settings.pack_history = 3 * kDay;
  struct Listening : support::RecordedServer {
    Listening(std::string& all)
        : RecordedServer(support::read_conversation("zeo6-pickle").used(0)), heard(all) {}
    void received(base::ByteSpan bytes, support::Wire& wire) override {
      heard += base::as_text(bytes);
      RecordedServer::received(bytes, wire);
    }
    std::string& heard;
  };
  std::string heard;
  support::FakeNetwork network(support::always([&] { return std::make_unique<Listening>(heard); }));
  pack_instance(mem_, network, instance_, scheduled());
  const std::string question = "U\4pack(G";
  const std::size_t place = heard.find(question);
  ASSERT_NE(place, std::string::npos);
  const auto time = base::load_be<std::uint64_t>(base::as_bytes(heard).data() + place + question.size());
  EXPECT_NEAR(std::bit_cast<double>(time), static_cast<double>(mem_.now().seconds - 3 * kDay), 1);
}

TEST_F(PackJobTest, TellsOfTheEstimateAndOfThePackHowTheyGetOn) {
  PackJobRequest request = scheduled();
  int tasks = 0;
  request.progress = [&](std::uint64_t total) {
    ++tasks;
    EXPECT_GT(total, 0u);
    return io::OnProgress();
  };
  run(request);
  EXPECT_EQ(tasks, 2);
}

TEST_F(PackJobTest, LeavesHistoryAsLongAsConfigured) {
  PackJobRequest request;
  instance_.settings.pack_history = 366 * kDay;
  mem_.set_now({1347000000, 0});  // some days after the last transaction
  back_up();
  EXPECT_EQ(run(request).decision.what, What::leave_out);
}

TEST_F(PackJobTest, IsLeftOutWhileAnUpgradeIsOpen) {
  support::begin(mem_);
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { run(); }));
  EXPECT_EQ(size(), database_.size());
  EXPECT_EQ(record().left_out, "an upgrade is under way");
  EXPECT_EQ(record().failure, "") << "nobody has to do anything about it";
}

TEST_F(PackJobTest, StaysFailedWhileItIsLeftOut) {
  const auto state = upgrade::open_state(mem_, "standard");
  PackRecord failed;
  failed.failure = "pack: dangling";
  save_pack_record(*state, failed, mem_);
  support::begin(mem_);
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { run(); }));
  EXPECT_EQ(record().failure, "pack: dangling");
}

TEST_F(PackJobTest, IsLeftOutIfAServerStartsAfterTheLookForOne) {
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    // The last that is looked at before the decision.
    if (operation.path == in_data("Data.fs.old") && !machine_.server_runs()) machine_.start_server();
    return io::no_limit;
  });
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { pack_instance(*env, network_, instance_, scheduled()); }));
  EXPECT_TRUE(machine_.server_runs());
  EXPECT_EQ(size(), database_.size());
  EXPECT_NE(record().left_out, "");
  EXPECT_EQ(record().failure, "");
}

TEST_F(PackJobTest, WaitsNoLongerThanADayForAServerThatHangs) {
  machine_.start_server();
  instance_.server = "/run/schooltool/zeo.sock";
  support::FakeNetwork network(support::always([] { return server_of_file("Data.fs"); }));
  const std::int64_t start = network.now_ms();
  EXPECT_TRUE(fails_with(
      ErrorKind::io, [&] { pack_instance(mem_, network, instance_, scheduled()); }, "no answer"));
  EXPECT_EQ(network.now_ms() - start, kDay * 1000);
  EXPECT_NE(record().failure, "");
}

TEST_F(PackJobTest, ShowsHowTheServerGetsOn) {
  machine_.start_server();
  instance_.server = "/run/schooltool/zeo.sock";
  std::ostringstream shown;
  PackJobRequest request = scheduled();
  request.server_progress = [&] { return std::make_unique<PackProgress>(shown, mem_, "pack by its server"); };
  bool asked = false;
  support::FakeNetwork network(support::always([&] {
    class Slow : public support::Speaker {
     public:
      Slow(std::string words, io::MemEnv& mem) : Speaker(std::move(words)), mem_(mem) {}
      void waited(std::int64_t, support::Wire&) override { mem_.set_now({mem_.now().seconds + 1, 0}); }

     private:
      io::MemEnv& mem_;
    };
    asked = true;
    return std::make_unique<Slow>(words_of_server("Data.fs"), mem_);
  }));
  EXPECT_ANY_THROW(pack_instance(mem_, network, instance_, request));
  EXPECT_TRUE(asked);
  EXPECT_NE(shown.str().find("pack by its server  2 s"), std::string::npos) << shown.str().substr(0, 200);
}

TEST_F(PackJobTest, AsksWhatTheLastBackupShowed) {
  backup::Outcome outcome;
  outcome.good = mem_.now();
  outcome.alarm = outcome.damage = "Data.fs has changed at byte 5";
  backup::save_outcome(*upgrade::open_state(mem_, "standard"), outcome, mem_);
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { run(); }, "has changed at byte 5"));
  outcome.damage.clear();
  outcome.larger = backup::Larger{"2026-01-01-00-00-00", 5, 7};
  backup::save_outcome(*upgrade::open_state(mem_, "standard"), outcome, mem_);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { run(); }));
  EXPECT_EQ(size(), database_.size());
}

TEST_F(PackJobTest, IsRefusedWhileAnotherCommandWorks) {
  const auto state = upgrade::open_state(mem_, "standard");
  const io::FileLock lock = upgrade::lock_instance(*state, "a backup", 0, mem_);
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { run(); }));
  EXPECT_EQ(size(), database_.size());
}

TEST_F(PackJobTest, RecordsAFailureAndKeepsTheDatabase) {
  machine_.put("Data.fs", database_.substr(0, database_.size() / 2) + std::string(500, '\xee') +
                              database_.substr(database_.size() / 2 + 500));
  const std::size_t before = size();
  EXPECT_ANY_THROW(run());
  EXPECT_NE(record().failure, "");
  EXPECT_NE(pack_status_text(record(), mem_.now()).find("FAILED"), std::string::npos);
  EXPECT_EQ(size(), before);
}

TEST_F(PackJobTest, ADryRunChangesNothing) {
  const auto read_only = io::make_read_only_env(mem_);
  const PackJobReport report = plan_pack_instance(*read_only, instance_, scheduled());
  EXPECT_EQ(report.decision.what, What::offline);
  EXPECT_LT(report.estimate.size_after, report.estimate.size_before);
  EXPECT_FALSE(record().tried);
}

TEST(PackRecordFile, ComesBackAsItWasSaved) {
  io::MemEnv mem;
  const auto state = upgrade::open_state(mem, "standard");
  EXPECT_EQ(pack_status_text(load_pack_record(*state), {}), "");
  PackRecord record;
  record.packed = base::UtcTime{1795443548, 0};
  record.tried = base::UtcTime{1795443549, 0};
  record.by_server = true;
  record.size_before = 2'000'000;
  record.size_after = 1'000'000;
  record.objects_removed = 7;
  record.seconds = 90;
  save_pack_record(*state, record, mem);
  EXPECT_EQ(pack_status_text(load_pack_record(*state), {1795443548 + 3 * kDay, 0}),
            "  last pack       3 days ago, by the server: 2.0 MB -> 1.0 MB, 7 objects removed, took 1 min\n");
  mem.put_file(std::string(upgrade::kStateRoot) + "/standard/pack.json", "{");
  EXPECT_FALSE(load_pack_record(*state).packed);
}

}  // namespace
}  // namespace app
