// File content in shared blocks, and the states of it that a power cut can leave. Part of mem_env.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "io/mem_env.h"

namespace io::mem {

// SplitMix64: the same numbers for the same seed everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }  // bound > 0
  bool chance(unsigned in_sixteen) { return below(16) < in_sixteen; }

 private:
  std::uint64_t state_;
};

// A value with the states it had since it was last durable. Of very many states only the first ones and the
// newest are remembered, which bounds memory; the forgotten ones are those in between.
template <typename T>
class Tracked {
 public:
  explicit Tracked(T value) : states_{std::move(value)} {}
  const T& now() const { return states_.back(); }
  const T& durable() const { return states_.front(); }
  void set(T value) {
    if (states_.size() < kMost) {
      states_.push_back(std::move(value));
    } else {
      states_.back() = std::move(value);
    }
  }
  void sync() {
    if (states_.size() > 1) states_.erase(states_.begin(), states_.end() - 1);
  }
  // The newest with a chance of `newest` in 16, else one of the older ones.
  const T& any(Random& random, unsigned newest) const {
    if (states_.size() == 1 || random.chance(newest)) return now();
    return states_[random.below(states_.size() - 1)];
  }
  const T& survivor(Survives survives, Random& random) const {
    switch (survives) {
      case Survives::synced_only: return durable();
      case Survives::everything: return now();
      case Survives::random_part: return any(random, 8);
    }
    return now();
  }

 private:
  static constexpr std::size_t kMost = 16;
  std::vector<T> states_;
};

inline constexpr std::uint64_t kBlockSize = 4096;
using Block = std::array<std::byte, kBlockSize>;
using BlockPtr = std::shared_ptr<const Block>;  // null: a hole, reads as zeros
inline constexpr std::uint64_t blocks_for(std::uint64_t bytes) {
  return (bytes + kBlockSize - 1) / kBlockSize;
}

// Blocks are never changed in place, so copies and clones share them. Bytes of the last block behind the end
// are zero.
class FileContent {
 public:
  std::uint64_t size() const { return now_.size; }
  std::uint64_t block_count() const { return now_.blocks.size(); }  // everything behind is a hole
  const BlockPtr& block(std::uint64_t index) const { return now_.at(index); }
  // Returns the bytes read; 0 at the end.
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) const;
  std::string text() const;

  // Bytes that lie within one block; the size grows as needed.
  void write(std::uint64_t offset, base::ByteSpan bytes);
  void resize(std::uint64_t size);
  void share(const FileContent& source);
  void sync();

  // What a power cut leaves, all of it durable. For random_part each block holds one of the states it had
  // since the last sync (a page is written as it stands at that moment), sometimes torn at a sector of 512
  // bytes, and the size is one the file had or any between: a file system may write the size before the data,
  // which then reads as zeros.
  FileContent survivor(Survives survives, Random& random) const;

 private:
  struct State {
    std::vector<BlockPtr> blocks;  // the last one is no hole
    std::uint64_t size = 0;
    const BlockPtr& at(std::uint64_t index) const;
    void set(std::uint64_t index, BlockPtr block);
  };
  void set_block(std::uint64_t index, BlockPtr block);
  void set_size(std::uint64_t size);

  State now_, durable_;
  std::map<std::uint64_t, Tracked<BlockPtr>> unsynced_;  // by block number
  std::uint64_t smallest_ = 0, largest_ = 0;             // sizes since the last sync
};

}  // namespace io::mem
