#include "support/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace support {

namespace {

using base::Error;
using io::Operation;
using io::Survives;

std::string describe(std::string_view name, const std::string& path) {
  return std::string(name) + " " + base::quoted(path);
}

std::string describe(Survives survives, std::uint64_t seed) {
  switch (survives) {
    case Survives::synced_only: return "synced_only";
    case Survives::everything: return "everything";
    case Survives::random_part: return "random_part, seed " + std::to_string(seed);
  }
  return "?";
}

std::string describe(const Fault& fault) {
  const auto what = [&]() -> std::string {
    switch (fault.kind) {
      case FaultKind::error: return std::generic_category().message(fault.sys_errno) + " at ";
      case FaultKind::one_byte: return "cut short to 1 byte: ";
      case FaultKind::half: return "cut short to half: ";
      case FaultKind::disk_full: return "disk full from ";
      case FaultKind::read_only: return "disk read-only from ";
    }
    return "?";
  };
  return what() + describe(fault.name, fault.path) + ", time " + std::to_string(fault.nth) + " (from 0)";
}

// How a run of act ended.
struct Outcome {
  enum class End { returned, error, cut, strange } end = End::returned;
  std::string text;
};

Outcome run(const std::function<void(io::Env&)>& act, io::Env& env) {
  try {
    act(env);
    return {};
  } catch (const PowerCut&) {
    return {Outcome::End::cut, "PowerCut"};
  } catch (const Error& error) {
    return {Outcome::End::error, error.what()};
  } catch (const std::exception& other) {
    return {Outcome::End::strange, std::string("an exception that is no base::Error: ") + other.what()};
  } catch (...) {
    return {Outcome::End::strange, "something that is no exception"};
  }
}

void check(const std::function<void(io::MemEnv&, const std::string&)>& verify, io::MemEnv& mem,
           const std::string& where, const char* which) {
  if (!verify) return;
  try {
    verify(mem, where);
  } catch (const std::exception& error) {
    ADD_FAILURE() << which << " threw: " << error.what();
  }
}

// The second half of each point: what is left is good, and the work can be finished.
void judge(const Scenario& scenario, io::MemEnv& mem, const std::string& where, bool done) {
  check(scenario.verify, mem, where, "verify");
  if (done) check(scenario.verify_done, mem, where, "verify_done");
  if (testing::Test::HasFailure()) return;
  const Outcome again = run(scenario.act_again ? scenario.act_again : scenario.act, mem);
  if (again.end != Outcome::End::returned) ADD_FAILURE() << "act_again: " << again.text;
  check(scenario.verify_final, mem, where, "verify_final");
}

// ---- power cuts

class Switch {
 public:
  explicit Switch(std::uint64_t at) : at_(at) {}

  std::uint64_t operator()(const Operation& operation) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!cut_ && operation.changes) {
      if (count_ == at_) {
        cut_ = true;
        last_ = describe(operation.name, operation.path);
      } else {
        ++count_;
      }
    }
    if (!cut_) return io::no_limit;
    // A second exception must not leave a destructor while one is under way.
    if (std::uncaught_exceptions() > 0) {
      throw Error(base::ErrorKind::io, std::string(operation.name), operation.path, "the power is cut");
    }
    throw PowerCut{};
  }

  bool cut() const { return cut_; }
  std::uint64_t count() const { return count_; }
  const std::string& last() const { return last_; }

 private:
  std::mutex mutex_;
  const std::uint64_t at_;
  std::uint64_t count_ = 0;
  bool cut_ = false;
  std::string last_;
};

constexpr std::uint64_t kNever = ~std::uint64_t{0};

// Runs act with the power cut before operation `at`.
Outcome run_with(Switch& power, const Scenario& scenario, io::MemEnv& mem) {
  scenario.prepare(mem);
  const std::unique_ptr<io::Env> env =
      io::make_hooked_env(mem, [&power](const Operation& operation) { return power(operation); });
  return run(scenario.act, *env);
}

// ---- faults

using Key = std::pair<std::string, std::string>;  // name and path of operations

struct Recorded {
  Key key;
  std::uint64_t nth;
  bool changes;
  std::uint64_t bytes;
};

bool needs_room(std::string_view name) {
  static const std::set<std::string_view> names = {"write_some",  "copy_some", "clone_from", "reserve",
                                                   "create_file", "make_dir",  "link"};
  return names.count(name) != 0;
}

bool can_be_denied(std::string_view name) {
  static const std::set<std::string_view> names = {
      "open_dir", "open_file", "create_file", "make_dir", "status",       "list", "set_owner", "set_mode",
      "rename",   "link",      "remove",      "space",    "set_modified", "run",  "remove_dir"};
  return names.count(name) != 0;
}

// Programs can be started all the same.
bool changes_the_disk(std::string_view name, bool changes) {
  return changes && name != "run";
}

bool can_fail(std::string_view name) {
  return name != "start_writeback" && name != "drop_cache" && name != "sleep_ms";
}

class Recorder {
 public:
  std::uint64_t operator()(const Operation& operation) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Key key{operation.name, operation.path};
    const std::uint64_t nth = counts_[key]++;
    all_.push_back({std::move(key), nth, operation.changes, operation.bytes});
    return io::no_limit;
  }
  const std::vector<Recorded>& all() const { return all_; }

 private:
  std::mutex mutex_;
  std::map<Key, std::uint64_t> counts_;
  std::vector<Recorded> all_;
};

class Saboteur {
 public:
  explicit Saboteur(const Fault& fault) : fault_(fault) {}

  std::uint64_t operator()(const Operation& operation) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool hit = operation.name == fault_.name && operation.path == fault_.path && count_++ == fault_.nth;
    happened_ = happened_ || hit;
    switch (fault_.kind) {
      case FaultKind::error:
        if (hit) fail(operation, fault_.sys_errno);
        break;
      case FaultKind::one_byte:
        if (hit) return 1;
        break;
      case FaultKind::half:
        if (hit) return operation.bytes / 2;
        break;
      case FaultKind::disk_full:
        if (happened_ && needs_room(operation.name)) fail(operation, ENOSPC);
        break;
      case FaultKind::read_only:
        if (happened_ && changes_the_disk(operation.name, operation.changes)) fail(operation, EROFS);
        break;
    }
    return io::no_limit;
  }

  bool happened() const { return happened_; }

 private:
  [[noreturn]] static void fail(const Operation& operation, int sys_errno) {
    throw Error::from_errno(std::string(operation.name), operation.path, sys_errno);
  }

  std::mutex mutex_;
  const Fault fault_;
  std::uint64_t count_ = 0;
  bool happened_ = false;
};

std::vector<Fault> faults_of(const Recorded& operation) {
  const std::string& name = operation.key.first;
  std::vector<Fault> faults;
  const auto add = [&](FaultKind kind, int sys_errno = 0) {
    faults.push_back({kind, name, operation.key.second, operation.nth, sys_errno});
  };
  if (!can_fail(name)) return faults;
  add(FaultKind::error, EIO);
  if (operation.changes) add(FaultKind::error, ENOSPC);
  if (can_be_denied(name)) add(FaultKind::error, EACCES);
  if (operation.bytes >= 2) add(FaultKind::one_byte);
  if (operation.bytes >= 4) add(FaultKind::half);
  if (needs_room(name)) add(FaultKind::disk_full);
  if (changes_the_disk(name, operation.changes)) add(FaultKind::read_only);
  return faults;
}

void fail_at_numbered(const Scenario& scenario, const Fault& fault, const std::string& number) {
  io::MemEnv mem;
  scenario.prepare(mem);
  Saboteur saboteur(fault);
  const std::unique_ptr<io::Env> env =
      io::make_hooked_env(mem, [&saboteur](const Operation& operation) { return saboteur(operation); });
  const Outcome outcome = run(scenario.act, *env);

  const std::string where = describe(fault) + number;
  SCOPED_TRACE(where);
  const bool shortened = fault.kind == FaultKind::one_byte || fault.kind == FaultKind::half;
  if (!saboteur.happened() && !(scenario.reads_end_early && fault.name == "read_some")) {
    ADD_FAILURE() << "the operation did not come: act does not do the same in every run";
  } else if (outcome.end == Outcome::End::strange || outcome.end == Outcome::End::cut) {
    ADD_FAILURE() << "act threw " << outcome.text;
  } else if (shortened && outcome.end == Outcome::End::error) {
    ADD_FAILURE() << "act threw, though doing less than asked is no error: " << outcome.text;
  }
  if (testing::Test::HasFailure()) return;
  const bool done = outcome.end == Outcome::End::returned;
  if (done) mem.crash(Survives::synced_only, 0);
  judge(scenario, mem, where, done);
}

}  // namespace

void crash_at(const Scenario& scenario, std::uint64_t operation, Survives survives, std::uint64_t seed) {
  io::MemEnv mem;
  Switch power(operation);
  const Outcome outcome = run_with(power, scenario, mem);
  const std::string where = "power cut before operation " + std::to_string(operation) + " (from 0; " +
                            (power.cut() ? power.last() : "act had ended") + "), " + describe(survives, seed);
  SCOPED_TRACE(where);
  if (!power.cut() && outcome.end != Outcome::End::returned) {
    ADD_FAILURE() << "act threw before the cut: " << outcome.text;
  } else if (!power.cut() && power.count() != operation) {
    ADD_FAILURE() << "act ended after " << power.count()
                  << " operations: it does not do the same in every run";
  } else if (outcome.end == Outcome::End::strange) {
    ADD_FAILURE() << "act made of the cut " << outcome.text;
  }
  if (testing::Test::HasFailure()) return;
  mem.crash(survives, seed);
  judge(scenario, mem, where, !power.cut());
}

SweepCount crash_sweep(const Scenario& scenario, const SweepOptions& options) {
  SweepCount count;
  {
    io::MemEnv mem;
    Switch never(kNever);
    const Outcome outcome = run_with(never, scenario, mem);
    if (outcome.end != Outcome::End::returned) {
      ADD_FAILURE() << "the undisturbed run threw: " << outcome.text;
      return count;
    }
    count.operations = never.count();
  }
  const auto stopped = [&](std::uint64_t operation, Survives survives, std::uint64_t seed) {
    crash_at(scenario, operation, survives, seed);
    ++count.points;
    return testing::Test::HasFailure();
  };
  for (std::uint64_t operation = 0; operation <= count.operations; ++operation) {
    if (stopped(operation, Survives::synced_only, 0) || stopped(operation, Survives::everything, 0))
      return count;
    for (std::uint64_t i = 0; i < options.seeds; ++i) {
      if (stopped(operation, Survives::random_part, options.first_seed + i)) return count;
    }
  }
  return count;
}

void fail_at(const Scenario& scenario, const Fault& fault) {
  fail_at_numbered(scenario, fault, "");
}

SweepCount fault_sweep(const Scenario& scenario) {
  SweepCount count;
  Recorder recorder;
  {
    io::MemEnv mem;
    scenario.prepare(mem);
    const std::unique_ptr<io::Env> env =
        io::make_hooked_env(mem, [&recorder](const Operation& operation) { return recorder(operation); });
    const Outcome outcome = run(scenario.act, *env);
    if (outcome.end != Outcome::End::returned) {
      ADD_FAILURE() << "the undisturbed run threw: " << outcome.text;
      return count;
    }
  }
  for (const Recorded& operation : recorder.all()) {
    if (operation.changes) ++count.operations;
  }
  std::uint64_t number = 0;
  for (const Recorded& operation : recorder.all()) {
    const std::string text = ", operation " + std::to_string(number++) + " of all (from 0)";
    for (const Fault& fault : faults_of(operation)) {
      fail_at_numbered(scenario, fault, text);
      ++count.points;
      if (testing::Test::HasFailure()) return count;
    }
  }
  return count;
}

}  // namespace support
