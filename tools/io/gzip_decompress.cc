// Two ways to inflate a member. libdeflate is more than twice as fast as zlib, but takes a member only when
// it stands whole in memory and so does its content; the members that gzip_compress writes are made for that.
// Any other, and any that is damaged, goes through zlib, which streams and can tell where it failed.
#include <libdeflate.h>
#include <zlib.h>

#include <cstring>
#include <memory>
#include <new>

#include "base/error.h"
#include "io/gzip.h"

namespace io {

namespace {

// Room for the content of a member of ours, and for the member itself if it did not compress at all.
constexpr std::size_t kContent = 1 << 20;
constexpr std::size_t kInput = kContent + 64 * 1024;
// With so much at hand a member is tried without reading on; members of databases are mostly smaller.
constexpr std::size_t kTry = kInput / 4;

class Inflater {
 public:
  Inflater(File& source, std::uint64_t limit, const std::function<void(base::ByteSpan)>& sink,
           MemberInflater* faster)
      : source_(source),
        sink_(sink),
        faster_(faster),
        left_(limit),
        input_(std::make_unique_for_overwrite<std::byte[]>(kInput)),
        content_(std::make_unique_for_overwrite<std::byte[]>(kContent)),
        whole_(libdeflate_alloc_decompressor()) {
    constexpr int kGzipOnly = 15 + 16;
    if (!whole_ || ::inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void run() {
    do {
      if (!whole_member() && !fast_member()) streamed_member();
    } while (another_member());
  }

 private:
  struct Free {
    void operator()(libdeflate_decompressor* raw) const { libdeflate_free_decompressor(raw); }
  };

  // In the file, of the next byte of input.
  std::uint64_t position() const { return read_ - (end_ - next_); }

  [[noreturn]] void fail(const std::string& reason) const {
    throw base::Error(base::ErrorKind::corrupt, "decompress", source_.path(),
                      reason + " at byte " + std::to_string(position()));
  }

  // More input behind what is left, as much as there is room for. False if nothing is left to read.
  bool refill() {
    std::memmove(input_.get(), input_.get() + next_, end_ - next_);
    end_ -= next_;
    next_ = 0;
    const std::size_t length = source_.read_full(read_, {input_.get() + end_, kInput - end_});
    read_ += length;
    end_ += length;
    return length > 0;
  }
  bool has_input() { return next_ < end_ || refill(); }

  // False if the member is none that fits, or not sound: nothing has happened then.
  bool whole_member() {
    if (end_ - next_ >= kTry && try_whole()) return true;
    refill();
    return try_whole();
  }

  bool try_whole() {
    std::size_t used = 0, length = 0;
    if (libdeflate_gzip_decompress_ex(whole_.get(), input_.get() + next_, end_ - next_, content_.get(),
                                      kContent, &used, &length) != LIBDEFLATE_SUCCESS) {
      return false;
    }
    next_ += used;
    deliver(length);
    return true;
  }

  // False if there is no faster way. A member that is not sound is read once more, for zlib to tell where.
  bool fast_member() {
    if (faster_ == nullptr) return false;
    const std::uint64_t start = position();
    faster_->begin();
    for (;;) {
      if (!has_input()) break;
      base::ByteSpan input(input_.get() + next_, end_ - next_);
      std::size_t filled = 0;
      const MemberInflater::Step step = faster_->step(input, {content_.get(), kContent}, filled);
      next_ = end_ - input.size();
      if (step == MemberInflater::Step::damaged) break;
      deliver(filled);
      if (step == MemberInflater::Step::end) return true;
    }
    read_ = start;
    next_ = end_ = 0;
    silent_ = true;
    streamed_member();
    fail("not sound gzip data");  // in the opinion of one of the two
  }

  void streamed_member() {
    ::inflateReset(&stream_);
    int result = Z_OK;
    while (result != Z_STREAM_END) {
      if (!has_input()) fail(position() == 0 ? "the file is empty" : "the gzip data is cut short");
      stream_.next_in = reinterpret_cast<Bytef*>(input_.get() + next_);
      stream_.avail_in = static_cast<uInt>(end_ - next_);
      stream_.next_out = reinterpret_cast<Bytef*>(content_.get());
      stream_.avail_out = kContent;
      result = ::inflate(&stream_, Z_NO_FLUSH);
      next_ = end_ - stream_.avail_in;
      if (result == Z_MEM_ERROR) throw std::bad_alloc();
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        fail(stream_.msg != nullptr ? std::string("not sound gzip data (") + stream_.msg + ")"
                                    : std::string("not sound gzip data"));
      }
      deliver(kContent - stream_.avail_out);
    }
  }

  void deliver(std::size_t length) {
    if (silent_) return;
    if (length > left_) fail("the content is larger than expected");
    left_ -= length;
    if (length > 0) sink_({content_.get(), length});
  }

  // After a member come another one, or zero bytes up to the end of the file (tapes pad so).
  bool another_member() {
    bool padded = false;
    while (has_input()) {
      if (input_[next_] != std::byte{0}) {
        if (padded) fail("there is something behind the padding");
        return true;
      }
      padded = true;
      ++next_;
    }
    return false;
  }

  File& source_;
  const std::function<void(base::ByteSpan)>& sink_;
  MemberInflater* faster_;
  bool silent_ = false;
  std::uint64_t left_;
  std::uint64_t read_ = 0;          // bytes of the file that came into the buffer
  std::size_t next_ = 0, end_ = 0;  // what is left in it
  std::unique_ptr<std::byte[]> input_, content_;
  std::unique_ptr<libdeflate_decompressor, Free> whole_;
  z_stream stream_{};
};

}  // namespace

void gzip_decompress(File& source, std::uint64_t limit, const std::function<void(base::ByteSpan)>& sink,
                     MemberInflater* faster) {
  Inflater(source, limit, sink, faster).run();
}

std::uint64_t gzip_largest_content(std::uint64_t stored) {
  constexpr std::uint64_t expansion = 1032;
  constexpr std::uint64_t most = ~std::uint64_t{0};
  return stored > most / expansion ? most : stored * expansion;
}

}  // namespace io
