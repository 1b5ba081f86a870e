#include "filestorage/pack_output.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace filestorage {

namespace {

constexpr std::size_t kBuffer = 256 * 1024;
constexpr std::uint64_t kInKernel = 128 * 1024;  // from here on the kernel copies
constexpr std::uint64_t kPiece = 64 << 20;
constexpr std::uint64_t kWriteback = 8 << 20;

}  // namespace

PackOutput::PackOutput(io::File* file) : file_(file) {
  if (file_ != nullptr) behind_.emplace(*file_);
}

void PackOutput::wrote(std::uint64_t bytes) {
  written_ += bytes;
  if (written_ - started_ < kWriteback) return;
  file_->start_writeback(started_, written_ - started_);
  started_ = written_;
}

void PackOutput::hand_over() {
  const std::size_t size = buffer_.size();
  if (file_ == nullptr) {
    written_ += size;
    buffer_.clear();
  } else if (size > 0) {
    behind_->write(written_, buffer_);
    wrote(size);
  }
}

void PackOutput::flush() {
  hand_over();
  if (file_ != nullptr) behind_->wait();
}

void PackOutput::append(base::ByteSpan bytes) {
  if (bytes.size() > kBuffer - std::min(kBuffer, buffer_.size())) hand_over();
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void PackOutput::copy(ForwardReader& source, std::uint64_t offset, std::uint64_t length) {
  const auto short_of = [&] {
    return base::Error(base::ErrorKind::corrupt, "pack", source.file().path(),
                       "there are no " + std::to_string(length) + " bytes at " + std::to_string(offset));
  };
  if (length > source.end() || offset > source.end() - length) throw short_of();
  if (file_ == nullptr) {
    written_ += length;
    return;
  }
  if (length < kInKernel) {
    const base::ByteSpan bytes = source.bytes(offset, length);
    if (bytes.size() < length) throw short_of();
    append(bytes);
    return;
  }
  flush();
  while (length > 0) {
    const std::uint64_t copied = file_->copy_some(source.file(), offset, written_, std::min(length, kPiece));
    if (copied == 0) throw short_of();
    wrote(copied);
    offset += copied;
    length -= copied;
  }
}

void PackOutput::patch(std::uint64_t offset, base::ByteSpan bytes) {
  if (file_ == nullptr) return;
  if (offset < written_) {
    const auto before = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), written_ - offset));
    behind_->write_copy(offset, bytes.first(before));
    bytes = bytes.subspan(before);
    offset += before;
  }
  if (!bytes.empty()) std::memcpy(buffer_.data() + (offset - written_), bytes.data(), bytes.size());
}

base::ByteSpan PackOutput::read(std::uint64_t offset, std::uint64_t length) {
  const auto size = static_cast<std::size_t>(length);
  if (offset >= written_) {
    return base::ByteSpan(buffer_).subspan(static_cast<std::size_t>(offset - written_), size);
  }
  if (offset + length > written_) {
    flush();
  } else {
    behind_->wait();
  }
  read_back_.resize(size);
  if (file_->read_full(offset, read_back_) != size) {
    throw base::Error(base::ErrorKind::io, "read back", file_->path(), "what was written is not there");
  }
  return read_back_;
}

}  // namespace filestorage
