// A number of jobs spread over the cores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace base {

// Cores of this machine, at most 4: more would not read faster.
unsigned worker_count();

// Calls `work(next)` in up to `threads` threads, the calling one among them; `next()` gives each of the
// numbers below `jobs` once, in rising order, and then `jobs`. The first exception ends it (next() gives
// `jobs` from then on) and is thrown here, after all threads have ended.
using NextJob = std::function<std::uint64_t()>;
void run_jobs(std::uint64_t jobs, unsigned threads, const std::function<void(const NextJob& next)>& work);

}  // namespace base
