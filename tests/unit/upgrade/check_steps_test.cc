// When a check waits, settles and closes, what it does with the server, and what it leaves behind.
#include <cstdio>

#include "unit/upgrade/check_fixture.h"
#include "upgrade/by_hand.h"

namespace upgrade {
namespace {

using CheckSteps = CheckTest;

// ---- when

TEST_F(CheckSteps, WhatTheServiceStartDidIsToldByTheNextHookOnce) {
  open_upgrade();
  mem_.remove_all(in_data("Data.fs"));
  const CheckReport at_start = as(Caller::service_start);
  EXPECT_EQ(at_start.action, CheckAction::rolled_back);
  ASSERT_FALSE(at_start.messages.empty());
  EXPECT_EQ(as(Caller::dpkg_done).messages, at_start.messages);
  EXPECT_TRUE(as(Caller::dpkg_done).messages.empty());
}

TEST_F(CheckSteps, WaitsForThePackagesAsEachCallerHasTo) {
  const struct {
    const char* state;
    std::optional<CheckAction> trigger, dpkg_done, cron;  // empty: repairs
  } cases[] = {{"half-installed", CheckAction::waiting, CheckAction::waiting, CheckAction::waiting},
               {"unpacked", CheckAction::waiting, CheckAction::waiting, CheckAction::waiting},
               {"half-configured", CheckAction::waiting, {}, {}},
               {"triggers-awaited", CheckAction::waiting, {}, {}},
               {"triggers-pending", CheckAction::waiting, {}, {}},
               {"installed", {}, {}, {}}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.state);
    const std::pair<Caller, std::optional<CheckAction>> callers[] = {{Caller::trigger, one.trigger},
                                                                     {Caller::dpkg_done, one.dpkg_done},
                                                                     {Caller::cron, one.cron},
                                                                     {Caller::service_start, {}}};
    for (const auto& [caller, expected] : callers) {
      io::MemEnv mem;
      support::Machine machine(mem);
      machine.put("Data.fs", school());
      support::begin(mem);
      machine.put("Data.fs", "");
      machine.packages["schooltool"] = one.state;
      const CheckReport report = check_as(mem, caller);
      EXPECT_EQ(report.action, expected.value_or(CheckAction::rolled_back)) << static_cast<int>(caller);
      EXPECT_EQ(report.looked, !expected.has_value());
      EXPECT_BYTES(mem.content(in_data("Data.fs")), expected ? "" : school());
    }
  }
}

TEST_F(CheckSteps, RepairsButDoesNotCloseWhileAPackageIsHalfConfigured) {
  open_upgrade();
  machine_.packages["schooltool"] = "half-configured";
  instance_.settings.settle = 0;
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::none);
  EXPECT_TRUE(journal().open);
  EXPECT_FALSE(journal().open->good_since);
}

TEST_F(CheckSteps, ClosesWhenThePackagesAreGoneAndTheDatabaseIsThere) {
  open_upgrade();
  machine_.packages["schooltool"] = "config-files";
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::closed);
  EXPECT_EQ(report.verdict, Verdict::unchanged);
  EXPECT_FALSE(journal().open);
}

// The upgrade took the database and its copies, and the administrator removed the packages: what is held is
// the last copy of the school.
TEST_F(CheckSteps, KeepsTheHeldCopyWhenThePackagesAreGoneAndTheDatabaseIsNotThere) {
  open_upgrade();
  machine_.packages["schooltool"] = "config-files";
  for (const std::string& live : {std::string(), support::bootstrap(), foreign()}) {
    mem_.remove_all(in_data("Data.fs.0"));
    mem_.remove_all(in_data("Data.fs"));
    if (!live.empty()) machine_.put("Data.fs", live);
    const CheckReport report = as(Caller::dpkg_done);
    EXPECT_EQ(report.action, CheckAction::for_a_person);
    EXPECT_FALSE(is_healthy(report.verdict));
    EXPECT_EQ(at("Data.fs").value_or(""), live);
    EXPECT_TRUE(support::is_held(mem_, school()));
    EXPECT_FALSE(report.messages.empty());
    EXPECT_TRUE(as(Caller::cron).messages.empty());
    EXPECT_EQ(journal().last->verdict, report.verdict);
  }
  // Installed again, it starts with the school's data.
  mem_.remove_all(in_data("Data.fs"));
  support::begin(mem_);
  EXPECT_BYTES(at("Data.fs"), school());
}

TEST_F(CheckSteps, ClosesWhenPackagesAndFolderAreGone) {
  open_upgrade();
  machine_.packages.clear();
  mem_.remove_all(support::kDataDir);
  EXPECT_EQ(as(Caller::cron).action, CheckAction::closed);
  EXPECT_EQ(journal().last->verdict, Verdict::missing);
  EXPECT_EQ(as(Caller::cron).action, CheckAction::none);
}

TEST_F(CheckSteps, AFolderThatVanishedIsToldOnce) {
  open_upgrade();
  mem_.remove_all(support::kDataDir);
  const CheckReport report = as(Caller::cron);
  EXPECT_EQ(report.verdict, Verdict::missing);
  EXPECT_EQ(report.action, CheckAction::for_a_person);
  EXPECT_FALSE(report.messages.empty());
  EXPECT_TRUE(as(Caller::cron).messages.empty());
}

// The server wrote on until the package stopped it, and then savelog moved the live file to .0.
TEST_F(CheckSteps, PutsBackWhatWasEnteredUntilTheServerStopped) {
  const std::optional<std::string> left[] = {std::nullopt, support::bootstrap(), std::string(), school(12)};
  for (const auto& live : left) {
    SCOPED_TRACE(live ? std::to_string(live->size()) : "missing");
    mem_.remove_all(support::kDataDir);
    mem_.put_dir(support::kDataDir, support::kSchoolOwner, 0750);
    mem_.remove_all("/var/lib/schooltool-dbtools");
    open_upgrade(school(20));
    mem_.remove_all(in_data("Data.fs.0"));
    machine_.put("Data.fs.0", school(23));
    machine_.put("Data.fs.1", school(22));
    mem_.remove_all(in_data("Data.fs"));
    if (live) machine_.put("Data.fs", *live);
    const CheckReport report = as(Caller::dpkg_done);
    EXPECT_EQ(report.action, CheckAction::rolled_back);
    EXPECT_BYTES(at("Data.fs"), school(23));
    EXPECT_EQ(mem_.status(in_data("Data.fs"))->owner, support::kSchoolOwner);
    EXPECT_EQ(mem_.status(in_data("Data.fs"))->mode, support::kSchoolMode);
    ASSERT_GE(report.messages.size(), 3u);
    EXPECT_NE(report.messages[2].find("with 3 transactions from between"), std::string::npos);
    EXPECT_EQ(as(Caller::dpkg_done).verdict, Verdict::grown);
  }
}

// Longer, but not as the database of before went on: damaged behind it, of another history, or written after
// the blank one was made.
TEST_F(CheckSteps, PutsBackNothingLongerThatIsNotTheSameDatabase) {
  std::string damaged = school(23);
  damaged[school(22).size() - 1] ^= 0x55;  // the length behind a transaction
  support::History younger = support::lived_on(support::school_history(20), 1);
  younger.back().tid = support::bootstrap_history({1767346200, 0}).back().tid + 1000;
  const std::string history = school(20) + support::render(support::school_history(3)).substr(4);
  const std::string longer[] = {damaged, support::render(younger), history, school(23).replace(100, 1, "~")};
  for (const std::string& other : longer) {
    SCOPED_TRACE(support::brief(other));
    mem_.remove_all(support::kDataDir);
    mem_.put_dir(support::kDataDir, support::kSchoolOwner, 0750);
    mem_.remove_all("/var/lib/schooltool-dbtools");
    open_upgrade(school(20));
    mem_.remove_all(in_data("Data.fs.0"));
    machine_.put("Data.fs.0", other);
    mem_.remove_all(in_data("Data.fs"));
    machine_.put("Data.fs", support::bootstrap());
    EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::rolled_back);
    EXPECT_BYTES(at("Data.fs"), school(20));
    EXPECT_BYTES(at("Data.fs.0"), other);
  }
}

TEST_F(CheckSteps, ClosesAfterTheSettlingTimeAndNoSooner) {
  open_upgrade();
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::waiting);
  ASSERT_TRUE(journal().open->good_since);
  mem_.sleep_ms((instance_.settings.settle - 2) * 1000);
  EXPECT_EQ(as(Caller::cron).action, CheckAction::waiting);
  mem_.sleep_ms(3000);
  EXPECT_EQ(as(Caller::person).action, CheckAction::waiting);         // a look closes nothing
  EXPECT_EQ(as(Caller::service_start).action, CheckAction::waiting);  // nor does a start
  EXPECT_EQ(as(Caller::cron).action, CheckAction::closed);
  EXPECT_FALSE(journal().open);
  EXPECT_FALSE(support::is_held(mem_, school()));
  EXPECT_BYTES(at("Data.fs.0"), school());
  EXPECT_EQ(journal().last->action, "closed");
}

TEST_F(CheckSteps, ABlankDatabaseThatAppearsLateIsStillCaught) {
  open_upgrade();
  as(Caller::dpkg_done);
  mem_.sleep_ms((instance_.settings.settle - 10) * 1000);
  machine_.put("Data.fs", support::bootstrap());
  EXPECT_EQ(as(Caller::cron).action, CheckAction::rolled_back);
  // And the settling time starts over.
  mem_.sleep_ms(20'000);
  EXPECT_EQ(as(Caller::cron).action, CheckAction::waiting);
  EXPECT_TRUE(journal().open);
}

TEST_F(CheckSteps, TheSettlingTimeStartsOverAfterADoubt) {
  open_upgrade();
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::waiting);
  machine_.put("Data.fs", foreign());
  EXPECT_EQ(as(Caller::cron).action, CheckAction::for_a_person);
  mem_.sleep_ms((instance_.settings.settle + 10) * 1000);
  machine_.put("Data.fs", school());
  EXPECT_EQ(as(Caller::cron).action, CheckAction::waiting);
  EXPECT_TRUE(journal().open);
}

// schooltool is "installed" until dpkg has come to it: cron must not judge what a script has half done.
TEST_F(CheckSteps, CronWaitsWhileDpkgRuns) {
  open_upgrade();
  mem_.put_file("/var/lib/dpkg/lock", "");
  const io::FileStatus lock = *mem_.status("/var/lib/dpkg/lock");
  char line[100];
  std::snprintf(line, sizeof line, "1: POSIX  ADVISORY  WRITE 4711 %02x:%02x:%llu 0 EOF\n",
                static_cast<unsigned>(lock.device >> 8U), static_cast<unsigned>(lock.device & 0xffU),
                static_cast<unsigned long long>(lock.inode));
  mem_.put_file("/proc/locks", line);
  mem_.remove_all(in_data("Data.fs"));
  EXPECT_EQ(as(Caller::cron).action, CheckAction::waiting);
  EXPECT_FALSE(at("Data.fs"));
  mem_.put_file("/proc/locks", "");
  EXPECT_EQ(as(Caller::cron).action, CheckAction::rolled_back);
}

TEST_F(CheckSteps, OnlyThePackagesOfThisUpgradeHoldItOpen) {
  open_upgrade();
  machine_.packages["schooltool-plugin"] = "half-configured";
  as(Caller::dpkg_done);
  EXPECT_TRUE(journal().open->good_since);
}

TEST_F(CheckSteps, ADatabaseOfNothingButItsMagicIsNothingToPutBack) {
  machine_.put("Data.fs.0", "FS30");
  open_upgrade("FS30");
  mem_.remove_all(in_data("Data.fs"));
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::waiting);
  EXPECT_TRUE(report.messages.empty());
}

TEST_F(CheckSteps, AHeldCopyThatIsNotWhatItWasIsNotComparedWith) {
  open_upgrade();
  const std::string held = in_data(std::string(kVaultName) + "/" + journal().open->held);
  mem_.remove_all(held);
  mem_.put_file(held, foreign(), {}, 0600);
  machine_.put("Data.fs", support::render(support::packed(support::school_history(20))));
  EXPECT_EQ(as(Caller::dpkg_done).verdict, Verdict::packed);
}

TEST_F(CheckSteps, TheSettlingTimeStartsOverWhilePackagesAreChanged) {
  // A look between the hooks and dpkg's start found all well; that says nothing about what comes.
  open_upgrade();
  as(Caller::cron);
  machine_.packages["schooltool"] = "unpacked";
  mem_.sleep_ms((instance_.settings.settle + 10) * 1000);
  as(Caller::dpkg_done);
  machine_.packages["schooltool"] = "installed";
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::waiting);
  EXPECT_TRUE(journal().open);
}

// The upgrade has changed where the configuration has the database.
TEST_F(CheckSteps, ADatabaseLookedForElsewhereWaitsForAPersonWhoIsToldOfTheCopy) {
  open_upgrade();
  instance_.data_dir = "/srv/school";
  for (const bool there : {false, true}) {
    if (there) mem_.put_file("/srv/school/Data.fs", support::bootstrap(), support::kSchoolOwner);
    for (const Caller caller : {Caller::service_start, Caller::dpkg_done}) {
      const CheckReport report = as(caller);
      EXPECT_EQ(report.action, CheckAction::for_a_person);
      EXPECT_EQ(report.verdict, there ? Verdict::blank : Verdict::missing);
      ASSERT_TRUE(report.source);
      EXPECT_EQ(report.source->find("/var/lib/schooltool/.schooltool-dbtools/Data.fs."), 0u);
      EXPECT_NE(report.messages.at(1).find("before the upgrade it was '/var/lib/schooltool/Data.fs'"),
                std::string::npos);
    }
  }
  EXPECT_TRUE(fails_with(
      ErrorKind::not_found, [&] { plan_by_hand(mem_, instance_, {}); }, "/var/lib/schooltool/Data.fs"));
  EXPECT_BYTES(at("Data.fs"), school());
  EXPECT_TRUE(support::is_held(mem_, school()));
}

TEST_F(CheckSteps, AFolderThatMovedWithItsCopiesIsRolledBackThere) {
  open_upgrade();
  const auto state = open_state(mem_, "standard");
  Journal journal = load_journal(*state);
  journal.open->data_dir = "/var/lib/school";  // as if it had been there, and is gone
  save_journal(*state, journal, mem_);
  mem_.remove_all(in_data("Data.fs"));
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), school());
}

TEST_F(CheckSteps, ADatabaseThatMovedAndIsWholeClosesTheUpgradeAndGivesUpTheCopy) {
  open_upgrade();
  mem_.put_file("/srv/school/Data.fs", school(25), support::kSchoolOwner);
  instance_.data_dir = "/srv/school";
  instance_.settings.settle = 0;
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.verdict, Verdict::grown);
  EXPECT_EQ(report.action, CheckAction::closed);
  EXPECT_FALSE(support::is_held(mem_, school()));
}

TEST_F(CheckSteps, ADatabaseThatMovedAndWasPackedIsComparedWithTheCopyInTheOldPlace) {
  open_upgrade();
  mem_.put_file("/srv/school/Data.fs", support::render(support::packed(support::school_history(20))),
                support::kSchoolOwner);
  instance_.data_dir = "/srv/school";
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.verdict, Verdict::packed);
  EXPECT_GT(report.judgement.kept, 0u);
}

TEST_F(CheckSteps, APersonsWordClosesTheUpgradeAndKeepsTheCopy) {
  open_upgrade();
  machine_.put("Data.fs", foreign());
  EXPECT_EQ(by_person(false, true).action, CheckAction::closed);
  EXPECT_FALSE(journal().open);
  EXPECT_BYTES(at("Data.fs"), foreign());
  EXPECT_TRUE(support::is_held(mem_, school()));
}

// ---- the server

TEST_F(CheckSteps, StopsTheServerForItAndStartsItAgain) {
  machine_.put("Data.fs", school());
  machine_.start_server();
  support::begin(mem_);
  machine_.put("Data.fs", support::bootstrap());
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::rolled_back);
  const std::vector<std::string> commands = {"invoke-rc.d schooltool stop", "invoke-rc.d schooltool start"};
  EXPECT_EQ(machine_.commands, commands);
  EXPECT_TRUE(machine_.server_runs());
}

TEST_F(CheckSteps, StartsAServerThatRanBeforeAndDoesNotNow) {
  machine_.put("Data.fs", school());
  machine_.start_server();
  support::begin(mem_);
  machine_.stop_server();
  mem_.remove_all(in_data("Data.fs"));
  as(Caller::cron);
  EXPECT_TRUE(machine_.server_runs());
}

TEST_F(CheckSteps, LeavesTheServerAloneWhereNoneRanAndAtServiceStart) {
  open_upgrade();
  machine_.put("Data.fs", "");
  as(Caller::dpkg_done);
  EXPECT_TRUE(machine_.commands.empty());

  machine_.start_server();
  support::begin(mem_);
  machine_.stop_server();
  machine_.put("Data.fs", "");
  const CheckReport report = as(Caller::service_start);
  EXPECT_EQ(report.action, CheckAction::rolled_back);
  EXPECT_TRUE(machine_.commands.empty());
  for (const std::string& line : report.messages) {
    EXPECT_EQ(line.find("start the server"), std::string::npos) << "it is being started";
  }
}

TEST_F(CheckSteps, AServerThatDoesNotStopKeepsItsDatabaseAndTheUpgradeStaysOpen) {
  open_upgrade();
  machine_.put("Data.fs", support::bootstrap());
  machine_.start_server();
  machine_.stops = false;
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { as(Caller::dpkg_done); }));
  EXPECT_BYTES(at("Data.fs"), support::bootstrap());
  EXPECT_TRUE(journal().open);
  machine_.stops = true;
  EXPECT_EQ(as(Caller::cron).action, CheckAction::rolled_back);
}

TEST_F(CheckSteps, ARollbackCountsThoughTheServerDoesNotStart) {
  machine_.put("Data.fs", school());
  machine_.start_server();
  support::begin(mem_);
  machine_.put("Data.fs", "");
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "run" && at("Data.fs") == school())
      throw base::Error::from_errno("run", operation.path, ENOMEM);
    return io::no_limit;
  });
  const CheckReport report = check_as(*env, Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::rolled_back);
  EXPECT_EQ(journal().open->rollbacks, 1u);
  EXPECT_NE(note().find("start the server"), std::string::npos);
}

TEST_F(CheckSteps, ARollbackThatCannotBeWrittenDownIsToldAllTheSame) {
  open_upgrade();
  machine_.put("Data.fs", support::bootstrap());
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "create_file" && operation.path.find("state.json") != std::string::npos) {
      throw base::Error::from_errno("create", operation.path, ENOSPC);
    }
    return io::no_limit;
  });
  const CheckReport report = check_as(*env, Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), school());
  ASSERT_GE(report.messages.size(), 4u);
  EXPECT_NE(report.messages[2].find(*report.displaced_to), std::string::npos);
  EXPECT_NE(report.messages.back().find("could not be written down"), std::string::npos);
}

// ---- space

TEST_F(CheckSteps, WithoutSpaceForACopyTheHeldOneBecomesTheLiveOne) {
  open_upgrade();
  machine_.put("Data.fs", support::bootstrap());
  const auto root = mem_.open_dir("/", io::Links::refuse);
  const auto space = root->space();
  mem_.set_capacity(space.total - space.free + 16 * 1024);
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), school());
  EXPECT_EQ(mem_.status(in_data("Data.fs"))->links, 1u) << "a server would write into its own snapshot";
  EXPECT_BYTES(support::displaced_content(mem_), support::bootstrap());
  EXPECT_EQ(as(Caller::dpkg_done).verdict, Verdict::unchanged);
}

TEST_F(CheckSteps, WhatAKilledRollbackLeftIsSweptBeforeSpaceIsCounted) {
  open_upgrade();
  machine_.put("Data.fs", "");
  machine_.put(".Data.fs.dbtools-0123456789abcdef.tmp", std::string(600'000, 'x'));
  const auto space = mem_.open_dir("/", io::Links::refuse)->space();
  mem_.set_capacity(space.total - space.free + 8 * 1024);
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::rolled_back);
  EXPECT_TRUE(support::temporaries(mem_).empty());
  EXPECT_EQ(support::places_of(mem_, school()).size(), 3u) << "there was room for a copy";
}

// ---- the note

TEST_F(CheckSteps, LeavesANoteThatNamesEveryFile) {
  open_upgrade();
  machine_.put("Data.fs", support::bootstrap());
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_NE(note().find(*report.source), std::string::npos) << note();
  EXPECT_NE(note().find(*report.displaced_to), std::string::npos);
  EXPECT_NE(note().find("blank"), std::string::npos);
}

}  // namespace
}  // namespace upgrade
