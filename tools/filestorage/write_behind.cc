#include "filestorage/write_behind.h"

#include <utility>

namespace filestorage {

WriteBehind::~WriteBehind() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void WriteBehind::wait_for_idle(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return !busy_; });
  if (failed_) std::rethrow_exception(std::exchange(failed_, nullptr));
}

void WriteBehind::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  wait_for_idle(lock);
}

void WriteBehind::write(std::uint64_t offset, std::vector<std::byte>& buffer) {
  std::unique_lock<std::mutex> lock(mutex_);
  wait_for_idle(lock);
  buffer_.clear();
  std::swap(buffer_, buffer);
  offset_ = offset;
  busy_ = true;
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  lock.unlock();
  changed_.notify_all();
}

void WriteBehind::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return busy_ || stop_; });
    if (!busy_) return;
    lock.unlock();
    std::exception_ptr failed;
    try {
      file_.write_full(offset_, buffer_);
    } catch (...) {  // handed to the next call
      failed = std::current_exception();
    }
    lock.lock();
    failed_ = failed;
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace filestorage
