// What tests of backup/backup.h share: a school of two transactions with five blobs.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "backup/names.h"
#include "support/blob_scene.h"
#include "support/scene.h"
#include "support/tar.h"
#include "upgrade/journal.h"

namespace backup {

class BackupTest : public testing::Test {
 protected:
  BackupTest() : machine_(mem_) {
    school_.commit({1, 2, 3});
    school_.commit({2, 4});
    school_.put(mem_);
  }

  BackupReport run(bool full = false) {
    BackupRequest request;
    request.full = full;
    return run(request);
  }
  BackupReport run(const BackupRequest& request) {
    later(60);
    return back_up(mem_, instance_, request);
  }
  void later(int seconds) {
    base::UtcTime now = mem_.now();
    now.seconds += seconds;
    mem_.set_now(now);
  }
  std::vector<std::string> names(std::string_view suffix) {
    std::vector<std::string> found;
    for (const std::string& name : mem_.list(support::kRepository)) {
      if (name.ends_with(suffix)) found.push_back(name);
    }
    return found;
  }
  // What tar -x of these archives in order leaves, without the marker.
  std::map<std::string, std::string> extracted(const std::vector<std::string>& archives) {
    std::map<std::string, std::string> all;
    for (const std::string& stamp : archives) {
      for (auto& [path, content] :
           support::untar(*mem_.content(std::string(support::kRepository) + "/" + archive_name(stamp)))) {
        if (path != ".layout") all[path] = content;
      }
    }
    return all;
  }
  Outcome outcome() { return load_outcome(*upgrade::open_state(mem_, "standard")); }

  io::MemEnv mem_;
  support::Machine machine_;
  support::BlobSchool school_;
  upgrade::Instance instance_ = support::blob_instance();
};

}  // namespace backup
