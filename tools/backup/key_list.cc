#include "backup/key_list.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/error.h"

namespace backup {

using filestorage::BlobKey;

namespace {

constexpr const char* kName = "blobs-to-store";
constexpr std::size_t kKeySize = 16;
constexpr std::size_t kBlock = 4096 * kKeySize;

}  // namespace

KeyList::KeyList(io::Dir& dir, io::Env& env) : file_(dir, kName, env) {}

void KeyList::add(const BlobKey& key) {
  if (last_ && key <= *last_) rising_ = false;
  last_ = key;
  std::array<std::byte, kKeySize> bytes;
  base::store_be(bytes.data(), key.tid);
  base::store_be(bytes.data() + 8, key.oid);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  ++count_;
  if (buffer_.size() >= kBlock) flush();
}

void KeyList::flush() {
  file_.file().write_full(written_, buffer_);
  written_ += buffer_.size();
  buffer_.clear();
}

// Sorting is only for a database whose transactions are out of order, which no ZODB writes: in memory.
void KeyList::settle() {
  flush();
  if (rising_) return;
  rising_ = true;
  std::vector<BlobKey> keys;
  for_each([&](const BlobKey& key) { keys.push_back(key); });
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  written_ = count_ = 0;
  last_.reset();
  file_.file().truncate(0);
  for (const BlobKey& key : keys) add(key);
  flush();
}

void KeyList::for_each(const std::function<void(const BlobKey&)>& visit) {
  Reader reader(*this);
  while (const auto key = reader.next()) visit(*key);
}

KeyList::Reader::Reader(KeyList& list) : list_(list) {
  list.settle();
}

std::optional<BlobKey> KeyList::Reader::next() {
  if (in_block_ == block_.size()) {
    block_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, list_.written_ - read_)));
    in_block_ = 0;
    if (block_.empty()) return std::nullopt;
    io::File& file = list_.file_.file();
    if (file.read_full(read_, block_) != block_.size())
      throw base::Error(base::ErrorKind::io, "read", file.path(), "the temporary became shorter");
    read_ += block_.size();
  }
  const std::byte* at = block_.data() + in_block_;
  in_block_ += kKeySize;
  return BlobKey{base::load_be<std::uint64_t>(at), base::load_be<std::uint64_t>(at + 8)};
}

}  // namespace backup
