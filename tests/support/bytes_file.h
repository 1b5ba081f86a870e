// A File over a string in memory, for code that needs one file and no folder. Counts what is read; can answer
// reads in small pieces, as a system call may.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "io/env.h"

namespace support {

class BytesFile : public io::File {
 public:
  explicit BytesFile(std::string bytes = {}) : content(std::move(bytes)) {}

  const std::string& path() const override { return path_; }
  std::size_t read_some(std::uint64_t offset, std::span<std::byte> into) override {
    ++reads;
    if (offset >= content.size()) return 0;
    const auto at = static_cast<std::size_t>(offset);
    const std::size_t count = std::min({into.size(), content.size() - at, largest_read});
    if (count > 0) std::memcpy(into.data(), content.data() + at, count);
    bytes_read += count;
    return count;
  }
  std::size_t write_some(std::uint64_t offset, base::ByteSpan bytes) override {
    const auto at = static_cast<std::size_t>(offset);
    if (content.size() < at + bytes.size()) content.resize(at + bytes.size());
    content.replace(at, bytes.size(), base::as_text(bytes));
    return bytes.size();
  }
  std::uint64_t copy_some(io::File&, std::uint64_t, std::uint64_t, std::uint64_t) override { return 0; }
  bool clone_from(io::File&) override { return false; }
  io::FileStatus status() override {
    io::FileStatus status;
    status.type = io::FileType::regular;
    status.size = content.size();
    return status;
  }
  void set_owner(io::Owner) override {}
  void set_mode(std::uint32_t) override {}
  void set_modified(base::UtcTime) override {}
  void truncate(std::uint64_t size) override { content.resize(static_cast<std::size_t>(size)); }
  void reserve(std::uint64_t) override {}
  void start_writeback(std::uint64_t, std::uint64_t) override {}
  void drop_cache(std::uint64_t, std::uint64_t) override {}
  bool try_lock() override { return true; }
  void sync() override {}
  void close() override {}

  std::string content;
  std::size_t largest_read = ~std::size_t{0};
  std::atomic<std::uint64_t> bytes_read = 0;
  std::atomic<std::uint64_t> reads = 0;

 private:
  std::string path_ = "in memory";
};

}  // namespace support
