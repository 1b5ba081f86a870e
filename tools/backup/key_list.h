// Keys of blobs on disk instead of in memory: what a backup has still to store.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "filestorage/blob_layout.h"
#include "io/atomic_file.h"
#include "io/env.h"

namespace backup {

class KeyList {
 public:
  // In a private temporary in `dir`, which goes with this object.
  KeyList(io::Dir& dir, io::Env& env);

  void add(const filestorage::BlobKey& key);
  std::uint64_t count() const { return count_; }
  // All of them in rising order, each once, whatever the order and number in which they came.
  void for_each(const std::function<void(const filestorage::BlobKey&)>& visit);

  // The same, one after the other. The list must not change meanwhile.
  class Reader {
   public:
    explicit Reader(KeyList& list);
    // Empty at the end.
    std::optional<filestorage::BlobKey> next();

   private:
    KeyList& list_;
    std::vector<std::byte> block_;
    std::size_t in_block_ = 0;  // bytes taken
    std::uint64_t read_ = 0;    // bytes of the file
  };

 private:
  void settle();
  void flush();

  io::AtomicFile file_;
  std::vector<std::byte> buffer_;
  std::uint64_t written_ = 0;  // bytes
  std::uint64_t count_ = 0;
  std::optional<filestorage::BlobKey> last_;
  bool rising_ = true;
};

}  // namespace backup
