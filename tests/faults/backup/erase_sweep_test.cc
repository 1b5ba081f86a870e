// Erasing, with the power cut, and with each system call failing, at every operation: nothing is ever lost.
#include <gtest/gtest.h>

#include <memory>

#include "backup/erase.h"
#include "base/error.h"
#include "support/blob_scene.h"
#include "support/upgrade_sweep.h"

namespace backup {
namespace {

using support::in_data;

TEST(EraseSweep, NothingIsLost) {
  const auto school = std::make_shared<support::BlobSchool>();
  school->commit({1, 2});
  auto scenario = support::on_machine(
      [=](io::MemEnv& mem, support::Machine& machine) {
        school->put(mem);
        machine.start_server();
      },
      [](io::Env& env) { erase(env, support::blob_instance(), BlobFolderIs::its_own); });
  const auto nothing_lost = [=](io::MemEnv& mem, const std::string&) {
    EXPECT_EQ(support::places_of(mem, school->database()).size(), 1u);
    unsigned folders = 0;
    for (const std::string& name : mem.list(support::kDataDir)) {
      if (name.starts_with("blobs") && support::blobs_in(mem, in_data(name)) == school->blobs()) ++folders;
    }
    EXPECT_EQ(folders, 1u);
  };
  scenario.verify = nothing_lost;
  scenario.act_again = [](io::Env& env) {
    try {
      erase(env, support::blob_instance(), BlobFolderIs::its_own);
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::not_found) throw;  // all was done already
    }
  };
  scenario.verify_done = scenario.verify_final = [=](io::MemEnv& mem, const std::string& where) {
    nothing_lost(mem, where);
    EXPECT_FALSE(mem.status(in_data("Data.fs")));
    EXPECT_FALSE(mem.status(support::kBlobDir));
  };
  support::sweep("erase", scenario, 20, 40);
}

}  // namespace
}  // namespace backup
