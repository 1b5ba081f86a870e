// The open files and folders of MemEnv: the rules of POSIX on top of mem_tree.h. Part of mem_env.h.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/env.h"
#include "io/mem_tree.h"

namespace io::mem {

// All state of one MemEnv, shared with what was opened through it. One mutex guards all of it but `runner`'s
// own work.
struct Machine {
  std::mutex mutex;
  std::int64_t clock_ms = 1'767'225'600'000;  // 2026-01-01 00:00:00 UTC
  std::uint64_t randoms = 0;
  std::uint64_t crashes = 0;  // what was opened before the last one is dead
  bool reflink = false;
  std::function<RunResult(const std::vector<std::string>&)> runner;
  Tree tree{time()};

  base::UtcTime time() const;
};
using MachinePtr = std::shared_ptr<Machine>;

// Callers hold the mutex.
std::unique_ptr<Dir> open_folder(const MachinePtr& machine, InodePtr inode, std::string path);
FileStatus status_of(const Tree& tree, const Inode& inode);

}  // namespace io::mem
