// An MD5 sum taken in a thread of its own, beside the reading and writing of the same bytes: the sum is the
// slowest part of a backup, and everything else hides behind it.
//
//   Md5Thread md5;
//   std::span<std::byte> buffer = md5.buffer();   // waits until one is free
//   ... fill the first `length` bytes, write them, sum their blocks ...
//   md5.submit(length);
//   std::string sum = md5.finish();
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/md5.h"

namespace repozo {

class Md5Thread {
 public:
  static constexpr std::size_t kBuffer = 1 << 20;
  static constexpr std::size_t kBuffers = 6;

  Md5Thread();
  ~Md5Thread();
  Md5Thread(const Md5Thread&) = delete;
  Md5Thread& operator=(const Md5Thread&) = delete;

  // The same one until submit(). Its content may be read until the next call of buffer().
  std::span<std::byte> buffer();
  void submit(std::size_t length);
  // Copies bytes that stand elsewhere.
  void update(base::ByteSpan bytes);
  // 32 hex digits of everything submitted so far.
  std::string finish();

 private:
  struct Slot {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t length = 0;
  };

  void work();
  void rethrow();

  base::Md5 md5_;
  std::vector<Slot> slots_;
  std::mutex mutex_;
  std::condition_variable submitted_changed_, done_changed_;
  std::uint64_t submitted_ = 0, done_ = 0;  // jobs; job n is in slot n % kBuffers
  bool stop_ = false;
  std::exception_ptr failure_;
  std::thread thread_;  // none if the system gives none: then submit() does the work
};

}  // namespace repozo
