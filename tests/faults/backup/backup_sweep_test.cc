// Backups, their retention and their verification, with the power cut, and with each system call failing, at
// every operation.
#include <gtest/gtest.h>

#include <memory>

#include "backup/backup.h"
#include "backup/verify.h"
#include "base/error.h"
#include "support/blob_scene.h"
#include "support/upgrade_sweep.h"

namespace backup {
namespace {

using support::BlobSchool;
using support::Machine;

upgrade::Instance instance_with(unsigned keep) {
  upgrade::Instance instance = support::blob_instance();
  instance.settings.backup_keep = instance.settings.backup_keep_min = keep;
  return instance;
}

void tick(io::MemEnv& mem) {
  base::UtcTime now = mem.now();
  now.seconds += 60;
  mem.set_now(now);
}

// Whatever is recorded is whole, and its blobs are with it.
void expect_sound(io::MemEnv& mem, std::uint64_t least, bool restore_test) {
  const auto instance = instance_with(1);
  VerifyRequest request;
  request.restore_test = restore_test;
  try {
    const Verification result = verify(mem, instance, request);
    EXPECT_GE(result.backups, least);
    for (const Fault& fault : result.faults) {
      if (result.backups == 0 && least == 0) continue;  // nothing counts yet
      ADD_FAILURE() << fault.name << ": " << fault.text;
    }
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::not_found) << error.what();
    EXPECT_EQ(least, 0u) << error.what();
  }
}

void expect_newest(io::MemEnv& mem, const BlobSchool& school) {
  VerifyRequest request;
  request.restore_test = true;
  const Verification result = verify(mem, instance_with(1), request);
  EXPECT_TRUE(result.faults.empty());
  ASSERT_TRUE(result.restore_test);
  EXPECT_EQ(result.restore_test->bytes, school.database().size());
  EXPECT_EQ(result.restore_test->blobs, school.blobs().size());
}

void expect_tidy_repository(io::MemEnv& mem) {
  for (const std::string& name : mem.list(support::kRepository))
    EXPECT_EQ(name.find(".tmp"), std::string::npos) << name;
}

support::Scenario backing_up(unsigned keep, std::uint64_t least,
                             const std::function<void(io::MemEnv&, BlobSchool&)>& before,
                             const std::function<void(BlobSchool&)>& history) {
  auto scenario = support::on_machine(
      [=](io::MemEnv& mem, Machine&) {
        BlobSchool school;
        before(mem, school);
        tick(mem);
      },
      [=](io::Env& env) { back_up(env, instance_with(keep), {}); });
  const auto final_school = [=] {
    auto school = std::make_shared<BlobSchool>();
    history(*school);
    return school;
  };
  scenario.verify = [=](io::MemEnv& mem, const std::string&) {
    expect_sound(mem, least, false);
    tick(mem);  // the next run comes later
  };
  scenario.verify_done = [=](io::MemEnv& mem, const std::string&) { expect_newest(mem, *final_school()); };
  scenario.verify_final = [=](io::MemEnv& mem, const std::string&) {
    expect_newest(mem, *final_school());
    expect_tidy_repository(mem);
  };
  return scenario;
}

void first_days(BlobSchool& school) {
  school.commit({1, 2, 4});
  school.commit({2});
}
void next_day(BlobSchool& school) {
  school.commit({1, 5});
}

TEST(BackupSweep, TheFirstBackup) {
  support::sweep("first backup",
                 backing_up(
                     5, 0,
                     [](io::MemEnv& mem, BlobSchool& school) {
                       first_days(school);
                       school.put(mem);
                     },
                     first_days),
                 60, 120);
}

TEST(BackupSweep, AnIncrement) {
  support::sweep("increment",
                 backing_up(
                     5, 1,
                     [](io::MemEnv& mem, BlobSchool& school) {
                       first_days(school);
                       school.put(mem);
                       back_up(mem, instance_with(5), {});
                       next_day(school);
                       school.put(mem);
                     },
                     [](BlobSchool& school) {
                       first_days(school);
                       next_day(school);
                     }),
                 60, 120);
}

TEST(BackupSweep, AFullOneThatReplacesTheOldChain) {
  const auto history = [](BlobSchool& school) {
    first_days(school);
    next_day(school);
    school.pack();
  };
  support::sweep("full backup and retention",
                 backing_up(
                     1, 1,
                     [history](io::MemEnv& mem, BlobSchool& school) {
                       first_days(school);
                       school.put(mem);
                       back_up(mem, instance_with(1), {});
                       tick(mem);
                       next_day(school);
                       school.put(mem);
                       back_up(mem, instance_with(1), {});
                       school.pack();
                       mem.remove_all(support::in_data("Data.fs"));
                       school.put(mem);
                     },
                     history),
                 60, 120);
}

TEST(VerifySweep, ARestoreTestLeavesNothingBehind) {
  auto scenario = support::on_machine(
      [](io::MemEnv& mem, Machine&) {
        BlobSchool school;
        first_days(school);
        school.put(mem);
        back_up(mem, instance_with(5), {});
      },
      [](io::Env& env) {
        VerifyRequest request;
        request.restore_test = true;
        verify(env, instance_with(5), request);
      });
  scenario.verify = [](io::MemEnv& mem, const std::string&) { expect_sound(mem, 1, false); };
  scenario.verify_final = [](io::MemEnv& mem, const std::string&) {
    expect_sound(mem, 1, true);
    for (const std::string& name : mem.list(support::kRepository)) EXPECT_NE(name, ".restore-test");
  };
  support::sweep("restore test", scenario, 40, 80);
}

}  // namespace
}  // namespace backup
