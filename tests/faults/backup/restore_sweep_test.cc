// A restore and its undoing, with the power cut, and with each system call failing, at every operation: at
// every moment one of the two pairs of database and blobs is live and complete, and the other is kept.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "backup/backup.h"
#include "backup/restore.h"
#include "base/error.h"
#include "filestorage/blob_layout.h"
#include "support/blob_scene.h"
#include "support/upgrade_sweep.h"

namespace backup {
namespace {

using support::BlobSchool;
using support::in_data;
using support::Machine;
using Blobs = std::map<std::string, std::string>;

void tick(io::MemEnv& mem) {
  base::UtcTime now = mem.now();
  now.seconds += 60;
  mem.set_now(now);
}

using School = std::shared_ptr<const BlobSchool>;

School school_of(bool later) {
  auto school = std::make_shared<BlobSchool>();
  school->commit({1, 2, 4});
  school->commit({2});
  if (!later) return school;
  school->commit({2, 5});
  school->commit({6});
  return school;
}

bool holds_all(const Blobs& there, const Blobs& needed) {
  return std::all_of(needed.begin(), needed.end(), [&](const auto& blob) {
    const auto found = there.find(blob.first);
    return found != there.end() && found->second == blob.second;
  });
}

// The pair `one` or the pair `other` is live with all of its blobs; both databases and all blobs are there.
void expect_a_pair(io::MemEnv& mem, const BlobSchool& one, const BlobSchool& other) {
  const auto live = mem.content(in_data("Data.fs"));
  ASSERT_TRUE(live == one.database() || live == other.database()) << support::brief(live);
  const Blobs blobs = support::blobs_in(mem);
  EXPECT_TRUE(holds_all(blobs, live == one.database() ? one.blobs() : other.blobs()));
  Blobs anywhere = blobs;
  for (const std::string& name : mem.list(support::kDataDir)) {
    if (name.find(".replaced-") != std::string::npos && name.starts_with("blobs"))
      anywhere.merge(support::blobs_in(mem, in_data(name)));
  }
  EXPECT_TRUE(holds_all(anywhere, one.blobs()));
  EXPECT_TRUE(holds_all(anywhere, other.blobs()));
}

void expect_settled(io::MemEnv& mem, const BlobSchool& live, const BlobSchool& kept) {
  support::expect_live(mem, live.database());
  EXPECT_EQ(support::blobs_in(mem), live.blobs());
  EXPECT_FALSE(support::places_of(mem, kept.database()).empty());
  EXPECT_TRUE(support::temporaries(mem).empty());
  const auto vault = mem.list(in_data(".schooltool-dbtools"));
  EXPECT_TRUE(vault.empty()) << vault.front();
  EXPECT_FALSE(support::journal_of(mem).open);
}

support::Scenario scenario_for(const School& from, const School& to,
                               const std::function<void(io::MemEnv&, Machine&)>& prepare,
                               const std::function<void(io::Env&)>& act) {
  auto scenario = support::on_machine(
      [=](io::MemEnv& mem, Machine& machine) {
        prepare(mem, machine);
        tick(mem);
      },
      act);
  scenario.verify = [=](io::MemEnv& mem, const std::string&) {
    expect_a_pair(mem, *from, *to);
    tick(mem);
  };
  scenario.verify_done = [=](io::MemEnv& mem, const std::string&) { expect_settled(mem, *to, *from); };
  scenario.verify_final = [=](io::MemEnv& mem, const std::string&) { expect_settled(mem, *to, *from); };
  return scenario;
}

void restore_first(io::Env& env) {
  const auto instance = support::blob_instance();
  restore(env, instance, plan_restore(env, instance, std::nullopt), {});
}

void back_up_then_live_on(io::MemEnv& mem) {
  school_of(false)->put(mem);
  back_up(mem, support::blob_instance(), {});
  school_of(true)->put(mem);
}

TEST(RestoreSweep, OfAnOlderPair) {
  support::sweep(
      "restore",
      scenario_for(
          school_of(true), school_of(false),
          [](io::MemEnv& mem, Machine& machine) {
            back_up_then_live_on(mem);
            // One blob is lost: it has to come out of the archive.
            mem.remove_all(std::string(support::kBlobDir) + "/" + school_of(false)->blobs().begin()->first);
            school_of(true)->put_blobs(mem);
            machine.start_server();
          },
          restore_first),
      100, 200);
}

void undo(io::Env& env) {
  const auto instance = support::blob_instance();
  restore(env, instance, plan_undo(env, instance), {});
}

TEST(RestoreSweep, Undone) {
  auto scenario = scenario_for(
      school_of(false), school_of(true),
      [](io::MemEnv& mem, Machine&) {
        back_up_then_live_on(mem);
        restore_first(mem);
      },
      undo);
  // Undoing what is undone would bring the restored pair back again: only what is unfinished is repeated.
  scenario.act_again = [](io::Env& env) {
    const auto state = load_restore_state(*upgrade::open_state(env, "standard"));
    const bool done = state->phase == RestorePhase::done && state->from.empty();
    if (!done) undo(env);
  };
  support::sweep("undo", scenario, 60, 120);
}

// The disaster: database and blobs are gone altogether.
TEST(RestoreSweep, OntoAnEmptyFolder) {
  auto scenario = support::on_machine(
      [](io::MemEnv& mem, Machine&) {
        school_of(false)->put(mem);
        back_up(mem, support::blob_instance(), {});
        mem.remove_all(support::kBlobDir);
        mem.remove_all(in_data("Data.fs"));
        tick(mem);
      },
      restore_first);
  scenario.verify = [](io::MemEnv& mem, const std::string&) {
    const auto live = mem.content(in_data("Data.fs"));
    EXPECT_TRUE(!live || live == school_of(false)->database());
    if (live) {
      EXPECT_EQ(support::blobs_in(mem), school_of(false)->blobs());
    }
    tick(mem);
  };
  scenario.verify_final = scenario.verify_done = [](io::MemEnv& mem, const std::string&) {
    support::expect_live(mem, school_of(false)->database());
    EXPECT_EQ(support::blobs_in(mem), school_of(false)->blobs());
    EXPECT_TRUE(support::temporaries(mem).empty());
  };
  support::sweep("restore onto nothing", scenario, 100, 200);
}

}  // namespace
}  // namespace backup
