#include "io/gzip.h"

#include <libdeflate.h>
#include <zlib.h>

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
constexpr int kLevel = 6;
constexpr unsigned kMostThreads = 4;
constexpr std::uint64_t kWriteback = 8 << 20;  // written bytes between two hints
constexpr std::size_t kInflateBuffer = 256 * 1024;

using Buffer = std::unique_ptr<std::byte[]>;

class Compressor {
 public:
  Compressor() : raw_(libdeflate_alloc_compressor(kLevel)) {
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

  explicit Ring(unsigned threads) : compressors_(threads), slots_(threads + 2) {
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

GzipInput gzip_compress(File& source, File& target, const OnProgress& progress) {
  Ring ring(std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads));
  MemberWriter writer(target);
  base::Xxh128 hash;
  GzipInput input;
  std::uint64_t read = 0, written = 0;  // jobs
  for (bool more = true; more;) {
    if (read - written == ring.size()) writer.write(ring.finish(written++));
    Ring::Slot& slot = ring.slot(read);
    slot.input_length = source.read_full(input.length, {slot.input.get(), kBlock});
    more = slot.input_length == kBlock;
    // An empty member only for an empty input.
    if (slot.input_length == 0 && read > 0) break;
    hash.update({slot.input.get(), slot.input_length});
    input.length += slot.input_length;
    ring.submit(read++);
    if (progress && (read % 8 == 0 || !more)) progress(input.length);
  }
  while (written < read) writer.write(ring.finish(written++));
  input.xxh128 = hash.hex();
  return input;
}

namespace {

// zlib's inflate over a file, member after member.
class Inflater {
 public:
  Inflater(File& source, std::uint64_t limit, const std::function<void(base::ByteSpan)>& sink)
      : source_(source),
        sink_(sink),
        left_(limit),
        input_(std::make_unique_for_overwrite<std::byte[]>(kInflateBuffer)),
        output_(std::make_unique_for_overwrite<std::byte[]>(kInflateBuffer)) {
    constexpr int kGzipOnly = 15 + 16;
    if (::inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void run() {
    do {
      member();
    } while (another_member());
  }

 private:
  // Of the next byte that inflate will look at.
  std::uint64_t position() const { return read_ - stream_.avail_in; }

  [[noreturn]] void fail(const std::string& reason) const {
    throw base::Error(base::ErrorKind::corrupt, "decompress", source_.path(),
                      reason + " at byte " + std::to_string(position()));
  }

  // False at the end of the file.
  bool refill() {
    if (stream_.avail_in > 0) return true;
    const std::size_t length = source_.read_full(read_, {input_.get(), kInflateBuffer});
    stream_.next_in = reinterpret_cast<Bytef*>(input_.get());
    stream_.avail_in = static_cast<uInt>(length);
    read_ += length;
    return length > 0;
  }

  void member() {
    ::inflateReset(&stream_);
    int result = Z_OK;
    while (result != Z_STREAM_END) {
      if (!refill()) fail(position() == 0 ? "the file is empty" : "the gzip data is cut short");
      stream_.next_out = reinterpret_cast<Bytef*>(output_.get());
      stream_.avail_out = kInflateBuffer;
      result = ::inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_MEM_ERROR) throw std::bad_alloc();
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        fail(stream_.msg != nullptr ? std::string("not sound gzip data (") + stream_.msg + ")"
                                    : std::string("not sound gzip data"));
      }
      deliver(kInflateBuffer - stream_.avail_out);
    }
  }

  void deliver(std::size_t length) {
    if (length > left_) fail("the content is larger than expected");
    left_ -= length;
    if (length > 0) sink_({output_.get(), length});
  }

  // After a member come another one, or zero bytes up to the end of the file (tapes pad so).
  bool another_member() {
    bool padded = false;
    while (refill()) {
      if (*stream_.next_in != 0) {
        if (padded) fail("there is something behind the padding");
        return true;
      }
      padded = true;
      ++stream_.next_in;
      --stream_.avail_in;
    }
    return false;
  }

  File& source_;
  const std::function<void(base::ByteSpan)>& sink_;
  std::uint64_t left_;
  std::uint64_t read_ = 0;
  Buffer input_, output_;
  z_stream stream_{};
};

}  // namespace

void gzip_decompress(File& source, std::uint64_t limit, const std::function<void(base::ByteSpan)>& sink) {
  Inflater(source, limit, sink).run();
}

}  // namespace io
