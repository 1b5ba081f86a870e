#include "io/gzip.h"

#include <libdeflate.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/xxh128.h"

namespace io {

namespace {

constexpr std::size_t kBlock = 1 << 20;  // of input, one gzip member each
constexpr int kLevel = 6;                // of gzip_compress
constexpr unsigned kMostThreads = 4;
constexpr std::uint64_t kWriteback = 8 << 20;  // written bytes between two hints

using Buffer = std::unique_ptr<std::byte[]>;

class Compressor {
 public:
  explicit Compressor(int level) : raw_(libdeflate_alloc_compressor(level)) {
    if (!raw_) throw std::bad_alloc();
  }
  std::size_t bound() const { return libdeflate_gzip_compress_bound(raw_.get(), kBlock); }
  // 0 if it does not fit. The member has no name and no time: the same input gives the same bytes.
  std::size_t compress(base::ByteSpan input, std::span<std::byte> output) const {
    return libdeflate_gzip_compress(raw_.get(), input.data(), input.size(), output.data(), output.size());
  }

 private:
  struct Free {
    void operator()(libdeflate_compressor* raw) const { libdeflate_free_compressor(raw); }
  };
  std::unique_ptr<libdeflate_compressor, Free> raw_;
};

// A ring of blocks between the calling thread, which fills and empties them in order, and threads that
// compress. Jobs have numbers that only grow; job n uses slot n % slots.
class Ring {
 public:
  struct Slot {
    Buffer input, output;
    std::size_t input_length = 0, output_length = 0;
    bool done = false;
  };

  Ring(unsigned threads, int level) : slots_(threads + 2) {
    compressors_.reserve(threads);
    while (compressors_.size() < threads) compressors_.emplace_back(level);
    for (Slot& slot : slots_) {
      slot.input = std::make_unique_for_overwrite<std::byte[]>(kBlock);
      slot.output = std::make_unique_for_overwrite<std::byte[]>(compressors_.front().bound());
    }
    threads_.reserve(threads);
    try {
      for (const Compressor& compressor : compressors_) {
        threads_.emplace_back([this, &compressor] { work(compressor); });
      }
    } catch (const std::exception&) {
      // As many threads as the system allows; with none the caller's thread does the work, in finish().
    }
  }

  ~Ring() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    submitted_changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  std::size_t size() const { return slots_.size(); }
  Slot& slot(std::uint64_t job) { return slots_[job % slots_.size()]; }

  // The next job in order; its slot holds the input.
  void submit(std::uint64_t job) {
    {
      const std::lock_guard lock(mutex_);
      slot(job).done = false;
      submitted_ = job + 1;
    }
    submitted_changed_.notify_one();
  }

  // Waits until the job's output is there.
  base::ByteSpan finish(std::uint64_t job) {
    Slot& finished = slot(job);
    if (threads_.empty()) {
      compress(compressors_.front(), finished);
    } else {
      std::unique_lock lock(mutex_);
      done_changed_.wait(lock, [&] { return finished.done; });
    }
    if (finished.output_length == 0) {
      throw base::Error(base::ErrorKind::io, "compress", "", "a block does not fit its bound");
    }
    return {finished.output.get(), finished.output_length};
  }

 private:
  void compress(const Compressor& compressor, Slot& slot) const {
    slot.output_length =
        compressor.compress({slot.input.get(), slot.input_length}, {slot.output.get(), compressor.bound()});
  }

  void work(const Compressor& compressor) {
    std::unique_lock lock(mutex_);
    for (;;) {
      submitted_changed_.wait(lock, [&] { return stop_ || taken_ < submitted_; });
      if (stop_) return;
      Slot& mine = slot(taken_++);
      lock.unlock();
      compress(compressor, mine);
      lock.lock();
      mine.done = true;
      done_changed_.notify_one();
    }
  }

  std::vector<Compressor> compressors_;  // one for each thread
  std::vector<Slot> slots_;
  std::mutex mutex_;
  std::condition_variable submitted_changed_, done_changed_;
  std::uint64_t submitted_ = 0, taken_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

// The far end of the ring: members in order, with an early start of write-back.
class MemberWriter {
 public:
  explicit MemberWriter(File& target) : target_(target) {}

  std::uint64_t written() const { return offset_; }

  void write(base::ByteSpan member) {
    target_.write_full(offset_, member);
    offset_ += member.size();
    if (offset_ - started_ >= kWriteback) {
      target_.start_writeback(started_, offset_ - started_);
      started_ = offset_;
    }
  }

 private:
  File& target_;
  std::uint64_t offset_ = 0, started_ = 0;
};

}  // namespace

std::uint64_t gzip_compress_blocks(const std::function<std::size_t(std::span<std::byte>)>& fill, File& target,
                                   int level) {
  Ring ring(std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads), level);
  MemberWriter writer(target);
  std::uint64_t read = 0, written = 0;  // jobs
  for (bool more = true; more;) {
    if (read - written == ring.size()) writer.write(ring.finish(written++));
    Ring::Slot& slot = ring.slot(read);
    slot.input_length = fill({slot.input.get(), kBlock});
    more = slot.input_length == kBlock;
    // An empty member only for an empty input.
    if (slot.input_length == 0 && read > 0) break;
    ring.submit(read++);
  }
  while (written < read) writer.write(ring.finish(written++));
  return writer.written();
}

GzipInput gzip_compress(File& source, File& target, const OnProgress& progress) {
  base::Xxh128 hash;
  GzipInput input;
  std::uint64_t blocks = 0;
  gzip_compress_blocks(
      [&](std::span<std::byte> block) {
        const std::size_t length = source.read_full(input.length, block);
        hash.update(block.first(length));
        input.length += length;
        const bool more = length == block.size();
        if (progress && length > 0 && (++blocks % 8 == 0 || !more)) progress(input.length);
        return length;
      },
      target, kLevel);
  input.xxh128 = hash.hex();
  return input;
}

}  // namespace io
