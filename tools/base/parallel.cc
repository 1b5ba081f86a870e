#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace base {

unsigned worker_count() {
  return std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
}

void run_jobs(std::uint64_t jobs, unsigned threads, const std::function<void(const NextJob& next)>& work) {
  std::atomic<std::uint64_t> taken = 0;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  std::exception_ptr failure;
  const NextJob next = [&]() -> std::uint64_t {
    return stop.load() ? jobs : std::min(taken.fetch_add(1), jobs);
  };
  const auto guarded = [&] {
    try {
      work(next);
    } catch (...) {  // carried to the calling thread
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      stop = true;
    }
  };
  std::vector<std::thread> others;
  const auto wanted = static_cast<unsigned>(std::min<std::uint64_t>(threads, jobs));
  others.reserve(wanted);
  try {
    while (others.size() + 1 < wanted) others.emplace_back(guarded);
  } catch (const std::system_error&) {
    // As many as the system allows.
  }
  guarded();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace base
