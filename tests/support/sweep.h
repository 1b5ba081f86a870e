// Fault and crash sweeps: run a scenario, and run it again with the power cut, or a failing system call, at
// every single operation.
//
//   support::Scenario scenario;
//   scenario.prepare = [](io::MemEnv& mem) { mem.put_file("/data/Data.fs", old_database); };
//   scenario.act = [](io::Env& env) { snapshot(env, ...); };
//   scenario.verify = [](io::MemEnv& mem, const std::string&) { EXPECT_TRUE(old or new stands, complete); };
//   scenario.verify_final = [](io::MemEnv& mem, const std::string&) { EXPECT_TRUE(new stands, tidy); };
//   EXPECT_GE(support::crash_sweep(scenario).points, 40u);
//   EXPECT_GE(support::fault_sweep(scenario).points, 100u);
//
// Each point starts from nothing: a new MemEnv, prepare, act, verify, act_again, verify_final. A point that
// fails stops the sweep, and its messages name the operation (number, name, path), the fault or mode, and the
// seed; crash_at() and fail_at() repeat just that one.
//
// What the code under test has to keep to:
//   - The power cut is thrown as PowerCut, which is no std::exception, so that handlers for base::Error and
//     std::exception do not see it. Code must not `catch (...)` and go on. Right are: catching to hand the
//     exception to another thread or to rethrow, and a destructor with operations of its own, which ends with
//     catch (...). Every later operation throws too, so destructors and handlers cannot tidy up what a real
//     cut would have left. (While an exception unwinds, operations throw a base::Error instead, so a
//     destructor that only cleans up after failures may also expect just that.)
//   - Operations that change something are numbered, so they must come in the same order in every run: one
//     thread at a time. All others (reads above all, which may come from several threads) are told apart by
//     name, path and "the k-th time", which is the same in every run as long as each file is read equally
//     often.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "io/hooked_env.h"
#include "io/mem_env.h"

namespace support {

struct PowerCut {};

struct Scenario {
  std::function<void(io::MemEnv&)> prepare;
  std::function<void(io::Env&)> act;
  // After a cut or a fault: the old or the new state stands. `where` names the point; failures show it
  // anyway.
  std::function<void(io::MemEnv&, const std::string& where)> verify;
  std::function<void(io::Env&)> act_again;  // what finishes or repeats the work; default: act
  std::function<void(io::MemEnv&, const std::string& where)> verify_final;
  // After act returned as if all were well, and the power went at that very moment: what it promised to be
  // durable is there, also when a call had failed that did not keep act from returning. Optional.
  std::function<void(io::MemEnv&, const std::string& where)> verify_done;
  // Several threads read, and the first that sees enough ends the others: a read that came in one run may not
  // come in the next. Such a point is judged as a run without a fault.
  bool reads_end_early = false;
};

struct SweepOptions {
  std::uint64_t seeds = 4;  // of Survives::random_part, at each operation
  std::uint64_t first_seed = 1;
};

struct SweepCount {
  std::uint64_t operations = 0;  // that change something, in an undisturbed run
  std::uint64_t points = 0;      // tried
};

// The power goes before each operation that changes something, and after the last one.
SweepCount crash_sweep(const Scenario& scenario, const SweepOptions& options = {});

// One operation fails with EIO, ENOSPC (if it changes something) or EACCES (if it goes by name or sets owner
// or mode); act may throw a base::Error, nothing else, or get over it. Further, each read, write and copy is
// once cut short to 1 byte and once to half of what was asked, which act has to get over. Further, from each
// writing operation on the disk stays full, and from each that changes something on nothing can be changed
// any more (EROFS: what Debian's ext4 does after an error), until act ends. Hints (start_writeback,
// drop_cache) and sleep_ms do not fail. Where act returned, the power goes right then, and nothing unsynced
// is kept.
SweepCount fault_sweep(const Scenario& scenario);

// ---- single points, to repeat one

// operation: 0 is the first one; the number of operations is "after the last one".
void crash_at(const Scenario& scenario, std::uint64_t operation, io::Survives survives, std::uint64_t seed);

enum class FaultKind {
  error,
  one_byte,
  half,
  disk_full,  // from there on, for all that needs room
  read_only   // from there on, for all that changes something
};

struct Fault {
  FaultKind kind = FaultKind::error;
  std::string name, path;  // of the operation
  std::uint64_t nth = 0;   // among those of this name and path, from 0
  int sys_errno = 0;       // for FaultKind::error
};
void fail_at(const Scenario& scenario, const Fault& fault);

}  // namespace support
