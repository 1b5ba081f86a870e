// Writes buffers in a thread of its own, one at a time and in the order given, while the next ones are
// filled.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "io/env.h"

namespace filestorage {

class WriteBehind {
 public:
  explicit WriteBehind(io::File& file) : file_(file) {}
  ~WriteBehind();  // what wait() was not called for may stay unwritten
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;

  // Takes the buffer's bytes and leaves an empty one in its place. Waits only while kMostWaiting buffers wait
  // already. Throws what an earlier write threw; nothing behind that one was written.
  void write(std::uint64_t offset, std::vector<std::byte>& buffer);
  // The same of a few bytes, which are copied: over what earlier calls have written, for instance.
  void write_copy(std::uint64_t offset, base::ByteSpan bytes);
  // Everything is written when it returns. Throws what a write threw.
  void wait();

 private:
  // Neither thread then has to wait for the other at every buffer, which costs more than the writing.
  static constexpr std::size_t kMostWaiting = 8;
  struct Piece {
    std::uint64_t offset;
    std::vector<std::byte> bytes;
    bool reusable;
  };

  void push(Piece piece);
  void work();

  io::File& file_;
  std::thread thread_;  // started by the first write
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> waiting_;  // the first one may be under way
  std::vector<std::vector<std::byte>> spare_;
  bool stop_ = false;
  std::exception_ptr failed_;
};

}  // namespace filestorage
