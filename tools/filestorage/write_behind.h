// Writes buffers in a thread of its own, one at a time and in the order given, while the next is filled.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "io/env.h"

namespace filestorage {

class WriteBehind {
 public:
  explicit WriteBehind(io::File& file) : file_(file) {}
  ~WriteBehind();
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;

  // Takes the buffer's bytes and leaves an empty one in its place. Waits for the write before it, and throws
  // what that one threw.
  void write(std::uint64_t offset, std::vector<std::byte>& buffer);
  // Nothing is being written when it returns. Throws what the last write threw.
  void wait();

 private:
  void work();
  void wait_for_idle(std::unique_lock<std::mutex>& lock);

  io::File& file_;
  std::thread thread_;  // started by the first write
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::byte> buffer_;
  std::uint64_t offset_ = 0;
  bool busy_ = false, stop_ = false;
  std::exception_ptr failed_;
};

}  // namespace filestorage
