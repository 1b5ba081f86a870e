#include "repozo/md5_thread.h"

#include <algorithm>
#include <system_error>

namespace repozo {

Md5Thread::Md5Thread() : slots_(kBuffers) {
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads: slower, and as good.
  }
}

Md5Thread::~Md5Thread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  submitted_changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::span<std::byte> Md5Thread::buffer() {
  if (thread_.joinable()) {
    std::unique_lock lock(mutex_);
    done_changed_.wait(lock, [&] { return submitted_ - done_ < kBuffers || failure_; });
  }
  rethrow();
  Slot& slot = slots_[submitted_ % kBuffers];
  if (!slot.bytes) slot.bytes = std::make_unique_for_overwrite<std::byte[]>(kBuffer);
  return {slot.bytes.get(), kBuffer};
}

void Md5Thread::submit(std::size_t length) {
  Slot& slot = slots_[submitted_ % kBuffers];
  slot.length = length;
  if (!thread_.joinable()) {
    md5_.update({slot.bytes.get(), length});
    ++submitted_;
    ++done_;
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ++submitted_;
  }
  submitted_changed_.notify_one();
}

void Md5Thread::update(base::ByteSpan bytes) {
  while (!bytes.empty()) {
    const std::span<std::byte> free = buffer();
    const std::size_t part = std::min(free.size(), bytes.size());
    std::copy_n(bytes.begin(), part, free.begin());
    submit(part);
    bytes = bytes.subspan(part);
  }
}

std::string Md5Thread::finish() {
  if (thread_.joinable()) {
    std::unique_lock lock(mutex_);
    done_changed_.wait(lock, [&] { return submitted_ == done_ || failure_; });
  }
  rethrow();
  return md5_.hex();
}

void Md5Thread::rethrow() {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

void Md5Thread::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    submitted_changed_.wait(lock, [&] { return stop_ || done_ < submitted_; });
    if (stop_) return;
    const Slot& slot = slots_[done_ % kBuffers];
    lock.unlock();
    try {
      md5_.update({slot.bytes.get(), slot.length});
      lock.lock();
    } catch (...) {  // carried to the thread that waits
      lock.lock();
      failure_ = std::current_exception();
      done_changed_.notify_all();
      return;
    }
    ++done_;
    done_changed_.notify_one();
  }
}

}  // namespace repozo
