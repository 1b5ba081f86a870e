// The fixture of the tests of upgrade/check.h: a machine with a school, and an upgrade to be looked at.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>

#include "base/error.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "support/fs_builder.h"
#include "support/scene.h"
#include "upgrade/check.h"
#include "upgrade/notice.h"

namespace upgrade {

using base::ErrorKind;
using support::check_as;
using support::fails_with;
using support::in_data;
using support::school;
using support::school_instance;

inline constexpr Caller kAll[] = {Caller::person, Caller::service_start, Caller::dpkg_done, Caller::trigger,
                                  Caller::cron};

class CheckTest : public testing::Test {
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

}  // namespace upgrade
