#include "upgrade/verified_copy.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "upgrade/fingerprint.h"

namespace upgrade {

namespace {

// How far the copy has come; the reader waits for it.
class Watermark {
 public:
  void advance(std::uint64_t to) {
    const std::lock_guard<std::mutex> guard(mutex_);
    done_ = std::max(done_, to);
    moved_.notify_all();
  }
  void give_up() {
    const std::lock_guard<std::mutex> guard(mutex_);
    given_up_ = true;
    moved_.notify_all();
  }
  // False if the copy was given up.
  bool wait_for(std::uint64_t offset) {
    std::unique_lock<std::mutex> guard(mutex_);
    moved_.wait(guard, [&] { return given_up_ || done_ >= offset; });
    return !given_up_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::uint64_t done_ = 0;
  bool given_up_ = false;
};

// The growing copy, for reading only: a read waits until its bytes are there.
class GrowingFile : public io::File {
 public:
  GrowingFile(io::File& file, std::uint64_t length, Watermark& watermark)
      : file_(file), length_(length), watermark_(watermark) {}

  const std::string& path() const override { return file_.path(); }
  std::size_t read_some(std::uint64_t offset, std::span<std::byte> into) override {
    if (offset >= length_) return 0;
    const std::uint64_t end = std::min<std::uint64_t>(length_, offset + into.size());
    if (!watermark_.wait_for(end)) refuse("read_some");
    return file_.read_some(offset, into.first(static_cast<std::size_t>(end - offset)));
  }
  io::FileStatus status() override {
    io::FileStatus status = file_.status();
    status.size = length_;
    return status;
  }
  std::size_t write_some(std::uint64_t, base::ByteSpan) override { refuse("write_some"); }
  std::uint64_t copy_some(io::File&, std::uint64_t, std::uint64_t, std::uint64_t) override {
    refuse("copy_some");
  }
  bool clone_from(io::File&) override { refuse("clone_from"); }
  void set_owner(io::Owner) override { refuse("set_owner"); }
  void set_mode(std::uint32_t) override { refuse("set_mode"); }
  void set_modified(base::UtcTime) override { refuse("set_modified"); }
  void truncate(std::uint64_t) override { refuse("truncate"); }
  void reserve(std::uint64_t) override { refuse("reserve"); }
  void start_writeback(std::uint64_t, std::uint64_t) override {}
  void drop_cache(std::uint64_t, std::uint64_t) override {}
  bool try_lock() override { refuse("try_lock"); }
  void sync() override { refuse("sync"); }
  void close() override {}

 private:
  [[noreturn]] void refuse(const char* operation) const {
    throw base::Error(base::ErrorKind::unsupported, operation, file_.path(), "the copy was given up");
  }
  io::File& file_;
  std::uint64_t length_;
  Watermark& watermark_;
};

}  // namespace

filestorage::ScanResult copy_and_scan(io::File& source, io::File& target, std::uint64_t length,
                                      const io::OnProgress& progress) {
  Watermark watermark;
  GrowingFile copy(target, length, watermark);
  filestorage::ScanResult result;
  std::exception_ptr scan_failure;
  std::thread scanner([&] {
    try {
      result = scan_whole(copy, length, 0, nullptr, {});
    } catch (...) {  // carried to the calling thread, never swallowed
      scan_failure = std::current_exception();
    }
  });
  try {
    io::copy_prefix(source, target, length, [&](std::uint64_t done) {
      watermark.advance(done);
      if (progress) progress(done);
    });
    watermark.advance(length);
  } catch (...) {
    watermark.give_up();
    scanner.join();
    throw;
  }
  scanner.join();
  if (scan_failure) std::rethrow_exception(scan_failure);
  return result;
}

}  // namespace upgrade
