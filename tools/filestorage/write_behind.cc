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

void WriteBehind::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty(); });
  if (failed_) std::rethrow_exception(std::exchange(failed_, nullptr));
}

void WriteBehind::push(Piece piece) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() < kMostWaiting; });
    if (failed_) std::rethrow_exception(std::exchange(failed_, nullptr));
    // First, since without it nobody would take the piece.
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    waiting_.push_back(std::move(piece));
  }
  changed_.notify_all();
}

void WriteBehind::write(std::uint64_t offset, std::vector<std::byte>& buffer) {
  push({offset, std::move(buffer), true});
  buffer = {};
  const std::lock_guard<std::mutex> lock(mutex_);
  if (spare_.empty()) return;
  buffer = std::move(spare_.back());
  spare_.pop_back();
}

void WriteBehind::write_copy(std::uint64_t offset, base::ByteSpan bytes) {
  push({offset, {bytes.begin(), bytes.end()}, false});
}

void WriteBehind::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !waiting_.empty() || stop_; });
    if (stop_) return;
    Piece& piece = waiting_.front();
    lock.unlock();
    std::exception_ptr failed;
    try {
      file_.write_full(piece.offset, piece.bytes);
    } catch (...) {  // handed to the next call
      failed = std::current_exception();
    }
    lock.lock();
    if (failed) {
      failed_ = failed;
      waiting_.clear();
    } else {
      if (piece.reusable) {
        spare_.push_back(std::move(piece.bytes));
        spare_.back().clear();
      }
      waiting_.pop_front();
    }
    changed_.notify_all();
  }
}

}  // namespace filestorage
