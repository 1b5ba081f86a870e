#include "upgrade/check.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/error.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "support/fs_builder.h"
#include "support/scene.h"
#include "upgrade/notice.h"

namespace upgrade {
namespace {

using base::ErrorKind;
using support::check_as;
using support::fails_with;
using support::in_data;
using support::school;
using support::school_instance;

constexpr Caller kAll[] = {Caller::person, Caller::service_start, Caller::dpkg_done, Caller::trigger,
                           Caller::cron};

class Check : public testing::Test {
 protected:
  std::optional<std::string> at(const std::string& name) { return mem_.content(in_data(name)); }
  Journal journal() { return support::journal_of(mem_); }
  CheckReport as(Caller caller) { return check_as(mem_, caller, instance_); }
  CheckReport by_person(bool repair, bool accept = false) {
    CheckRequest request;
    request.repair = repair;
    request.accept = accept;
    return check(mem_, instance_, request);
  }
  // A school, and an upgrade begun.
  void open_upgrade(const std::string& before = school()) {
    machine_.put("Data.fs", before);
    support::begin(mem_);
  }
  std::string foreign() {
    support::History other = support::school_history(20);
    for (auto& transaction : other) transaction.tid += 12345;
    return support::render(other);
  }
  std::string damaged() {
    std::string live = school();
    return live.replace(live.size() / 2, 200, std::string(200, '\xee'));
  }
  std::string note() { return mem_.content("/var/lib/schooltool-dbtools/standard/NOTE").value_or(""); }

  io::MemEnv mem_;
  support::Machine machine_{mem_};
  Instance instance_ = school_instance();
};

// ---- without an open upgrade

TEST_F(Check, DoesNothingWithoutAnOpenUpgrade) {
  for (const Caller caller : kAll) {
    const CheckReport report = as(caller);
    EXPECT_EQ(report.action, CheckAction::none);
    EXPECT_EQ(report.looked, caller == Caller::person);
    EXPECT_TRUE(report.messages.empty());
  }
  EXPECT_FALSE(mem_.status(kStateRoot));  // not even a folder
}

TEST_F(Check, WhatWasErasedOnPurposeStaysErased) {
  machine_.put("Data.fs", school());
  support::snapshot(mem_);
  mem_.remove_all(in_data("Data.fs"));
  for (const Caller caller : kAll) {
    as(caller);
    EXPECT_FALSE(at("Data.fs"));
  }
  EXPECT_EQ(by_person(true).verdict, Verdict::missing);
  EXPECT_FALSE(at("Data.fs"));
}

TEST_F(Check, JudgesAtRestByTheNewestSnapshot) {
  machine_.put("Data.fs", school(20));
  support::snapshot(mem_);
  EXPECT_EQ(by_person(false).verdict, Verdict::unchanged);
  machine_.put("Data.fs", school(22));
  EXPECT_EQ(by_person(false).verdict, Verdict::grown);
  machine_.put("Data.fs", support::bootstrap());
  EXPECT_EQ(by_person(false).verdict, Verdict::blank);
  machine_.put("Data.fs", damaged());
  EXPECT_EQ(by_person(true).verdict, Verdict::damaged);
  EXPECT_BYTES(at("Data.fs"), damaged());
}

TEST_F(Check, AtRestGetsOverAHostileSnapshot) {
  machine_.put("Data.fs", school(20));
  support::snapshot(mem_);
  mem_.remove_all(in_data("Data.fs.0"));
  mem_.put_symlink(in_data("Data.fs.0"), "/etc/shadow", support::kSchoolOwner);
  EXPECT_EQ(by_person(false).verdict, Verdict::unchanged);
}

// ---- repairs

TEST_F(Check, PutsBackWhatIsMissingBlankOrTruncated) {
  const std::string cut = school().substr(0, school().size() / 2);
  const std::optional<std::string> left[] = {std::nullopt,         "",  std::string(50'000, '\0'),    "FS21",
                                             support::bootstrap(), cut, cut + std::string(4096, '\0')};
  for (const auto& live : left) {
    for (const Caller caller : {Caller::service_start, Caller::dpkg_done, Caller::trigger, Caller::cron}) {
      SCOPED_TRACE(live ? std::to_string(live->size()) + " bytes" : "missing");
      io::MemEnv mem;
      support::Machine machine(mem);
      machine.put("Data.fs", school());
      support::begin(mem);
      mem.remove_all(in_data("Data.fs"));
      if (live) machine.put("Data.fs", *live);
      const CheckReport report = check_as(mem, caller);
      EXPECT_EQ(report.action, CheckAction::rolled_back);
      EXPECT_BYTES(mem.content(in_data("Data.fs")), school());
      EXPECT_EQ(mem.status(in_data("Data.fs"))->owner, support::kSchoolOwner);
      EXPECT_EQ(mem.status(in_data("Data.fs"))->mode, support::kSchoolMode);
      EXPECT_BYTES(support::displaced_content(mem), live);
      EXPECT_EQ(report.displaced_to.has_value(), live.has_value());
      EXPECT_FALSE(report.messages.empty());
      EXPECT_EQ(support::journal_of(mem).last->action, "rolled back");
      EXPECT_TRUE(support::journal_of(mem).open);
      EXPECT_EQ(check_as(mem, caller).verdict, Verdict::unchanged);
      EXPECT_EQ(support::displaced(mem).size(), live ? 1u : 0u);
    }
  }
}

TEST_F(Check, NeverRollsBackAHealthyDatabase) {
  const auto packed = support::packed(support::school_history(20), {7, 8});
  const std::string good[] = {school(20), school(25), support::render(packed),
                              support::render(support::lived_on(packed, 4)),
                              support::with_torn_tail(school(21))};
  for (const std::string& live : good) {
    for (const Caller caller : kAll) {
      io::MemEnv mem;
      support::Machine machine(mem);
      machine.put("Data.fs", school(20));
      support::begin(mem);
      machine.put("Data.fs", live);
      const CheckReport report = check_as(mem, caller);
      EXPECT_TRUE(is_healthy(report.verdict)) << to_string(report.verdict);
      EXPECT_EQ(report.action, CheckAction::waiting);
      EXPECT_TRUE(report.messages.empty());
      EXPECT_BYTES(mem.content(in_data("Data.fs")), live);
    }
  }
}

TEST_F(Check, LeavesForeignAndDamagedToAPerson) {
  for (const std::string& live : {foreign(), damaged()}) {
    for (const Caller caller : kAll) {
      io::MemEnv mem;
      support::Machine machine(mem);
      machine.put("Data.fs", school());
      support::begin(mem);
      machine.put("Data.fs", live);
      const CheckReport report = check_as(mem, caller);
      EXPECT_EQ(report.action, CheckAction::for_a_person);
      EXPECT_BYTES(mem.content(in_data("Data.fs")), live);
      // The message names the copy, which stands complete.
      ASSERT_TRUE(report.source);
      EXPECT_BYTES(mem.content(*report.source), school());
      ASSERT_GE(report.messages.size(), 3u);
      EXPECT_NE(report.messages[1].find(*report.source), std::string::npos);
    }
  }
}

TEST_F(Check, RollsBackForeignAndDamagedWhereTheAdministratorSaysSo) {
  instance_.settings.on_damaged = OnBad::roll_back;
  open_upgrade();
  machine_.put("Data.fs", foreign());
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::for_a_person);
  machine_.put("Data.fs", damaged());
  EXPECT_EQ(as(Caller::service_start).action, CheckAction::for_a_person);  // not in a server's way
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), school());
  EXPECT_BYTES(support::displaced_content(mem_), damaged());
  instance_.settings.on_foreign = OnBad::roll_back;
  machine_.put("Data.fs", foreign());
  EXPECT_EQ(as(Caller::cron).action, CheckAction::rolled_back);
}

TEST_F(Check, WhatIsNoPlainFileIsForAPersonAndTheCopyIsNamed) {
  open_upgrade();
  mem_.remove_all(in_data("Data.fs"));
  mem_.put_symlink(in_data("Data.fs"), "/etc/shadow", support::kSchoolOwner);
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::for_a_person);
  ASSERT_TRUE(report.source);
  EXPECT_BYTES(mem_.content(*report.source), school());
  EXPECT_EQ(mem_.status(in_data("Data.fs"))->type, io::FileType::symlink);
}

TEST_F(Check, APersonRepairsOnlyWhenAsked) {
  open_upgrade();
  machine_.put("Data.fs", "");
  EXPECT_EQ(by_person(false).action, CheckAction::for_a_person);
  EXPECT_BYTES(at("Data.fs"), "");
  EXPECT_EQ(by_person(true).action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), school());
}

TEST_F(Check, APersonsLookNeedsNoLock) {
  open_upgrade();
  const auto state = open_state(mem_, "standard");
  const io::FileLock lock = lock_instance(*state, "somebody", 0, mem_);
  EXPECT_EQ(by_person(false).verdict, Verdict::unchanged);
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { by_person(true); }, "somebody"));
  instance_.settings.lock_wait = 1;
  EXPECT_TRUE(fails_with(
      ErrorKind::busy, [&] { as(Caller::cron); }, "somebody"));
}

TEST_F(Check, FindsTheCopyByContentWhereverThePackageMovedIt) {
  // The vault is gone, and savelog has made .0 to .1.gz and put something else there.
  open_upgrade();
  mem_.remove_all(in_data(kVaultName));
  mem_.remove_all(in_data("Data.fs.0"));
  machine_.put("Data.fs.0", "half a copy");
  machine_.put("Data.fs.1.gz", support::gzipped(school(7)));
  machine_.put("Data.fs.2.gz", support::gzipped(school()));
  machine_.put("Data.fs", support::bootstrap());
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::rolled_back);
  EXPECT_EQ(report.source, in_data("Data.fs.2.gz"));
  EXPECT_BYTES(at("Data.fs"), school());
}

TEST_F(Check, TakesACopyWithATornTailForWhatItHolds) {
  open_upgrade();
  mem_.remove_all(in_data(kVaultName));
  machine_.put("Data.fs.0", support::with_torn_tail(school()));  // savelog's, of a file with a torn tail
  machine_.put("Data.fs", "");
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), school());
}

TEST_F(Check, OneUnreadableCopyDoesNotHideTheOthers) {
  open_upgrade();
  machine_.put("Data.fs.5", school());
  machine_.put("Data.fs", "");
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "read_some" && operation.path.find(".held") != std::string::npos)
      throw base::Error::from_errno("read", operation.path, EIO);
    return io::no_limit;
  });
  EXPECT_EQ(check_as(*env, Caller::dpkg_done).action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), school());
}

TEST_F(Check, AStrangerInTheVaultsPlaceDoesNotHideTheGenerations) {
  open_upgrade();
  mem_.remove_all(in_data(kVaultName));
  mem_.put_dir(in_data(kVaultName), support::kSchoolOwner, 0755);
  machine_.put("Data.fs", "");
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), school());
}

TEST_F(Check, ACopyThatWasTamperedWithIsNotPutBack) {
  open_upgrade();
  std::string other = school();
  other[other.size() / 3] ^= 1;
  machine_.put("Data.fs.0", other);  // in place: the vault's name leads to the same file
  machine_.put("Data.fs", "");
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::for_a_person);
  EXPECT_FALSE(report.source);
  EXPECT_BYTES(at("Data.fs"), "");
  EXPECT_NE(report.messages.at(1).find("no copy"), std::string::npos);
}

TEST_F(Check, GivesUpAfterSomeRollbacksAndAsks) {
  open_upgrade();
  int rolled_back = 0;
  CheckReport report;
  for (int i = 0; i < 6; ++i) {
    machine_.put("Data.fs", "");
    report = as(Caller::cron);
    rolled_back += report.action == CheckAction::rolled_back ? 1 : 0;
    EXPECT_EQ(support::displaced(mem_).size(), static_cast<std::size_t>(rolled_back));
  }
  EXPECT_EQ(rolled_back, 3);
  EXPECT_EQ(report.action, CheckAction::for_a_person);
  EXPECT_TRUE(support::is_held(mem_, school()));
  EXPECT_EQ(by_person(true).action, CheckAction::rolled_back);  // a person decides
}

TEST_F(Check, TellsCronOnceOnly) {
  open_upgrade();
  machine_.put("Data.fs", foreign());
  EXPECT_FALSE(as(Caller::cron).messages.empty());
  EXPECT_TRUE(as(Caller::cron).messages.empty());
  EXPECT_FALSE(as(Caller::dpkg_done).messages.empty());
}

// ---- what stood before

TEST_F(Check, NeverPutsAnOlderDatabaseWhereNoneStood) {
  machine_.put("Data.fs.0", school());
  support::begin(mem_);
  ASSERT_EQ(journal().open->before, Before::absent);
  for (const Caller caller : kAll) {
    const CheckReport report = as(caller);
    EXPECT_FALSE(at("Data.fs"));
    EXPECT_TRUE(report.messages.empty());
  }
}

TEST_F(Check, NeverPutsAnOlderDatabaseWhereABlankOneStood) {
  for (const std::string& blank : {std::string(), std::string(9000, '\0'), support::bootstrap()}) {
    io::MemEnv mem;
    support::Machine machine(mem);
    machine.put("Data.fs.0", school());
    machine.put("Data.fs", blank);
    support::begin(mem);
    for (const Caller caller : kAll) {
      const CheckReport report = check_as(mem, caller);
      EXPECT_BYTES(mem.content(in_data("Data.fs")), blank);
      EXPECT_TRUE(report.messages.empty());
    }
    EXPECT_BYTES(mem.content(in_data("Data.fs.0")), school());
  }
}

TEST_F(Check, ABlankOneThatGoesMissingComesBackAsItself) {
  machine_.put("Data.fs.0", school());
  machine_.put("Data.fs", support::bootstrap());
  support::begin(mem_);
  mem_.remove_all(in_data("Data.fs"));
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::rolled_back);
  EXPECT_BYTES(at("Data.fs"), support::bootstrap());
}

// ---- when

TEST_F(Check, WaitsForThePackagesAsEachCallerHasTo) {
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

TEST_F(Check, RepairsButDoesNotCloseWhileAPackageIsHalfConfigured) {
  open_upgrade();
  machine_.packages["schooltool"] = "half-configured";
  instance_.settings.settle = 0;
  EXPECT_EQ(as(Caller::dpkg_done).action, CheckAction::none);
  EXPECT_TRUE(journal().open);
  EXPECT_FALSE(journal().open->good_since);
}

TEST_F(Check, ClosesWhenThePackagesAreGone) {
  open_upgrade();
  machine_.packages["schooltool"] = "config-files";
  mem_.remove_all(in_data("Data.fs"));
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_EQ(report.action, CheckAction::closed);
  EXPECT_FALSE(at("Data.fs"));
  EXPECT_FALSE(journal().open);
  EXPECT_BYTES(at("Data.fs.0"), school());
}

TEST_F(Check, ClosesWhenPackagesAndFolderAreGone) {
  open_upgrade();
  machine_.packages.clear();
  mem_.remove_all(support::kDataDir);
  EXPECT_EQ(as(Caller::cron).action, CheckAction::closed);
  EXPECT_EQ(as(Caller::cron).action, CheckAction::none);
}

TEST_F(Check, AFolderThatVanishedIsToldOnce) {
  open_upgrade();
  mem_.remove_all(support::kDataDir);
  const CheckReport report = as(Caller::cron);
  EXPECT_EQ(report.verdict, Verdict::missing);
  EXPECT_EQ(report.action, CheckAction::for_a_person);
  EXPECT_FALSE(report.messages.empty());
  EXPECT_TRUE(as(Caller::cron).messages.empty());
}

TEST_F(Check, ClosesAfterTheSettlingTimeAndNoSooner) {
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

TEST_F(Check, ABlankDatabaseThatAppearsLateIsStillCaught) {
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

TEST_F(Check, TheSettlingTimeStartsOverWhilePackagesAreChanged) {
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

TEST_F(Check, APersonsWordClosesTheUpgradeAndKeepsTheCopy) {
  open_upgrade();
  machine_.put("Data.fs", foreign());
  EXPECT_EQ(by_person(false, true).action, CheckAction::closed);
  EXPECT_FALSE(journal().open);
  EXPECT_BYTES(at("Data.fs"), foreign());
  EXPECT_TRUE(support::is_held(mem_, school()));
}

// ---- the server

TEST_F(Check, StopsTheServerForItAndStartsItAgain) {
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

TEST_F(Check, StartsAServerThatRanBeforeAndDoesNotNow) {
  machine_.put("Data.fs", school());
  machine_.start_server();
  support::begin(mem_);
  machine_.stop_server();
  mem_.remove_all(in_data("Data.fs"));
  as(Caller::cron);
  EXPECT_TRUE(machine_.server_runs());
}

TEST_F(Check, LeavesTheServerAloneWhereNoneRanAndAtServiceStart) {
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

TEST_F(Check, AServerThatDoesNotStopKeepsItsDatabaseAndTheUpgradeStaysOpen) {
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

TEST_F(Check, ARollbackCountsThoughTheServerDoesNotStart) {
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

TEST_F(Check, ARollbackThatCannotBeWrittenDownIsToldAllTheSame) {
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

TEST_F(Check, WithoutSpaceForACopyTheHeldOneBecomesTheLiveOne) {
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

TEST_F(Check, WhatAKilledRollbackLeftIsSweptBeforeSpaceIsCounted) {
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

TEST_F(Check, LeavesANoteThatNamesEveryFile) {
  open_upgrade();
  machine_.put("Data.fs", support::bootstrap());
  const CheckReport report = as(Caller::dpkg_done);
  EXPECT_NE(note().find(*report.source), std::string::npos) << note();
  EXPECT_NE(note().find(*report.displaced_to), std::string::npos);
  EXPECT_NE(note().find("blank"), std::string::npos);
}

}  // namespace
}  // namespace upgrade
