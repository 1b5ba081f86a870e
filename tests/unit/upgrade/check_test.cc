#include "upgrade/check.h"

#include "unit/upgrade/check_fixture.h"

namespace upgrade {
namespace {

using Check = CheckTest;

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

}  // namespace
}  // namespace upgrade
