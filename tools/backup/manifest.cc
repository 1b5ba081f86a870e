#include "backup/manifest.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::string_view kMagic = "SDBBLOB1";
constexpr std::uint64_t kBlockEntries = 1024;
constexpr std::size_t kDigestedHeader = 88;

void store_key(std::byte* at, const BlobKey& key) {
  base::store_be(at, key.tid);
  base::store_be(at + 8, key.oid);
}
BlobKey load_key(const std::byte* at) {
  return {base::load_be<std::uint64_t>(at), base::load_be<std::uint64_t>(at + 8)};
}

ManifestEntry load_entry(const std::byte* at) {
  ManifestEntry entry;
  entry.key = load_key(at);
  entry.size = base::load_be<std::uint64_t>(at + 16);
  entry.offset = base::load_be<std::uint64_t>(at + 24);
  std::copy_n(at + 32, entry.digest.size(), entry.digest.begin());
  return entry;
}

Digest digest_of_bytes(base::ByteSpan bytes) {
  base::Xxh128 hasher;
  hasher.update(bytes);
  return digest_of(hasher);
}

[[noreturn]] void refuse(const io::File& file, const std::string& why) {
  throw Error(ErrorKind::corrupt, "read", file.path(), why);
}

unsigned digit_value(char digit) {
  return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

}  // namespace

Digest digest_of(const base::Xxh128& hasher) {
  const std::string hex = hasher.hex();
  Digest digest;
  for (std::size_t at = 0; at < digest.size(); ++at) {
    digest[at] = static_cast<std::byte>(digit_value(hex[2 * at]) << 4 | digit_value(hex[2 * at + 1]));
  }
  return digest;
}

void ManifestWriter::add(const ManifestEntry& entry) {
  if (count_ == 0) first_ = entry.key;
  last_ = entry.key;
  ++count_;
  std::array<std::byte, kManifestEntrySize> bytes;
  store_key(bytes.data(), entry.key);
  base::store_be(bytes.data() + 16, entry.size);
  base::store_be(bytes.data() + 24, entry.offset);
  std::copy(entry.digest.begin(), entry.digest.end(), bytes.begin() + 32);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() >= kBlockEntries * kManifestEntrySize) flush();
}

void ManifestWriter::flush() {
  hasher_.update(buffer_);
  file_.write_full(kManifestHeaderSize + written_, buffer_);
  written_ += buffer_.size();
  buffer_.clear();
}

void ManifestWriter::finish(std::uint64_t archive_size, const Digest& archive_digest) {
  flush();
  std::array<std::byte, kManifestHeaderSize> header;
  std::copy_n(base::as_bytes(kMagic).begin(), kMagic.size(), header.begin());
  base::store_be(header.data() + 8, count_);
  base::store_be(header.data() + 16, archive_size);
  store_key(header.data() + 24, first_);
  store_key(header.data() + 40, last_);
  const Digest entries = digest_of(hasher_);
  std::copy(entries.begin(), entries.end(), header.begin() + 56);
  std::copy(archive_digest.begin(), archive_digest.end(), header.begin() + 72);
  const Digest own = digest_of_bytes(std::span(header).first(kDigestedHeader));
  std::copy(own.begin(), own.end(), header.begin() + kDigestedHeader);
  file_.write_full(0, header);
}

Manifest::Manifest(std::unique_ptr<io::File> file) : file_(std::move(file)) {
  std::array<std::byte, kManifestHeaderSize> header;
  if (file_->read_full(0, header) != header.size() ||
      base::as_text(std::span(header).first(kMagic.size())) != kMagic)
    refuse(*file_, "is not a list of blobs");
  const Digest own = digest_of_bytes(std::span(header).first(kDigestedHeader));
  if (!std::equal(own.begin(), own.end(), header.begin() + kDigestedHeader))
    refuse(*file_, "its header is damaged");
  count_ = base::load_be<std::uint64_t>(header.data() + 8);
  archive_size_ = base::load_be<std::uint64_t>(header.data() + 16);
  first_ = load_key(header.data() + 24);
  last_ = load_key(header.data() + 40);
  std::copy_n(header.begin() + 56, entries_digest_.size(), entries_digest_.begin());
  std::copy_n(header.begin() + 72, archive_digest_.size(), archive_digest_.begin());
  const std::uint64_t size = file_->status().size;
  const std::uint64_t entries = (size - kManifestHeaderSize) / kManifestEntrySize;
  if (count_ != entries || size != kManifestHeaderSize + entries * kManifestEntrySize)
    refuse(*file_, "has another length than its header says");
}

void Manifest::load(std::uint64_t number) {
  const std::uint64_t count = std::min(kBlockEntries, count_ - number);
  block_.resize(static_cast<std::size_t>(count * kManifestEntrySize));
  block_count_ = 0;
  if (file_->read_full(kManifestHeaderSize + number * kManifestEntrySize, block_) != block_.size())
    refuse(*file_, "became shorter");
  block_start_ = number;
  block_count_ = count;
}

ManifestEntry Manifest::entry(std::uint64_t number) {
  if (number < block_start_ || number - block_start_ >= block_count_) load(number);
  return load_entry(block_.data() + (number - block_start_) * kManifestEntrySize);
}

std::optional<ManifestEntry> Manifest::find(const BlobKey& key) {
  if (count_ == 0 || key < first_ || key > last_) return std::nullopt;
  std::uint64_t low = 0, high = count_;  // the first entry not before the key lies in [low, high]
  if (block_count_ != 0) {
    // Where the block lies decides which side of it is looked at; rising keys stay in it or enter the next.
    const std::uint64_t block_end = block_start_ + block_count_;
    const BlobKey block_first = load_key(block_.data());
    const BlobKey block_last = load_key(block_.data() + (block_count_ - 1) * kManifestEntrySize);
    if (key < block_first) {
      high = block_start_;
    } else if (key <= block_last) {
      low = block_start_;
      high = block_end;
    } else {
      low = block_end;
      high = std::min(count_, block_end + kBlockEntries);
      if (low < high && high < count_ && key_at(low) <= key &&
          load_key(block_.data() + (block_count_ - 1) * kManifestEntrySize) < key) {
        low = high;
        high = count_;
      }
    }
  }
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (key_at(middle) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == count_) return std::nullopt;
  const ManifestEntry found = entry(low);
  return found.key == key ? std::optional(found) : std::nullopt;
}

void Manifest::check() {
  base::Xxh128 hasher;
  std::optional<BlobKey> before;
  std::uint64_t end = 0;
  for (std::uint64_t number = 0; number < count_; ++number) {
    const ManifestEntry next = entry(number);
    if (number == block_start_) hasher.update(block_);
    if (before && next.key <= *before) refuse(*file_, "its entries are not in order");
    if (next.offset < end || next.offset > archive_size_ || next.size > archive_size_ - next.offset)
      refuse(*file_, "an entry leads outside the archive");
    end = next.offset + next.size;
    before = next.key;
  }
  if (digest_of(hasher) != entries_digest_) refuse(*file_, "its entries are damaged");
  if (count_ != 0 && (key_at(0) != first_ || key_at(count_ - 1) != last_))
    refuse(*file_, "its header is of other entries");
}

}  // namespace backup
