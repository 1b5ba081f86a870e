// The fixture of the tests of upgrade/rotate.h: a data folder with generations, in memory.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "io/file_lock.h"
#include "io/gzip.h"
#include "io/hooked_env.h"
#include "io/mem_env.h"
#include "support/errors.h"
#include "support/generations.h"
#include "upgrade/journal.h"
#include "upgrade/rotate.h"

namespace upgrade {

using base::ErrorKind;
using support::fails_with;
using support::rotation::blank_database;
using support::rotation::database;
using support::rotation::gzipped;
using Names = std::vector<std::string>;

inline constexpr base::UtcTime kNow = {1795443548, 0};

class RotateTest : public testing::Test {
 protected:
  RotateTest() : instance_(support::rotation::standard_instance()) {
    mem_.set_now(kNow);
    mem_.put_dir(kStateRoot, {}, 0700);
  }

  void put(const std::map<std::string, std::string>& files) {
    support::rotation::put_data_folder(mem_, files);
  }
  static std::string path(const std::string& name) {
    return std::string(support::rotation::kDataDir) + "/" + name;
  }
  // As if it had been written so many seconds ago.
  void set_age(const std::string& name, std::int64_t seconds) {
    mem_.open_dir(support::rotation::kDataDir, io::Links::refuse)
        ->open_file(name, io::Access::read_write)
        ->set_modified({kNow.seconds - seconds, 5000});
  }
  RotateReport run() { return rotate(mem_, instance_, {}); }
  std::string names() const { return support::rotation::generation_names(mem_); }
  std::map<std::string, std::string> contents() const { return support::rotation::generations(mem_); }

  void open_upgrade() {
    Journal journal;
    journal.open = OpenUpgrade();
    journal.open->id = "20261123T141908Z-1f3a";
    journal.open->by = "apt";
    save_journal(*open_state(mem_, "standard"), journal, mem_);
  }

  io::MemEnv mem_;
  Instance instance_;
};

}  // namespace upgrade
