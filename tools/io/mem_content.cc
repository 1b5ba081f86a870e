#include "io/mem_content.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace io::mem {

std::uint64_t Random::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

namespace {

constexpr std::uint64_t kSector = 512;

std::shared_ptr<Block> copy_of(const BlockPtr& block) {
  return block ? std::make_shared<Block>(*block) : std::make_shared<Block>();  // the latter is all zeros
}

// The first sectors of one state of a block, the rest of another.
BlockPtr torn(const BlockPtr& head, const BlockPtr& tail, std::uint64_t sectors) {
  const std::shared_ptr<Block> block = copy_of(tail);
  const std::size_t bytes = sectors * kSector;
  if (head) {
    std::copy_n(head->begin(), bytes, block->begin());
  } else {
    std::fill_n(block->begin(), bytes, std::byte{0});
  }
  return block;
}

}  // namespace

const BlockPtr& FileContent::State::at(std::uint64_t index) const {
  static const BlockPtr hole;
  return index < blocks.size() ? blocks[index] : hole;
}

void FileContent::State::set(std::uint64_t index, BlockPtr block) {
  if (block) {
    if (index >= blocks.size()) blocks.resize(index + 1);
    blocks[index] = std::move(block);
  } else if (index < blocks.size()) {
    blocks[index] = nullptr;
    while (!blocks.empty() && !blocks.back()) blocks.pop_back();
  }
}

std::size_t FileContent::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (offset >= now_.size) return 0;
  const std::uint64_t end = offset + std::min<std::uint64_t>(into.size(), now_.size - offset);
  std::size_t done = 0;
  while (offset + done < end) {
    const std::uint64_t at = offset + done, inside = at % kBlockSize;
    const std::size_t part = std::min(end - at, kBlockSize - inside);
    if (const BlockPtr& from = block(at / kBlockSize)) {
      std::memcpy(into.data() + done, from->data() + inside, part);
    } else {
      std::memset(into.data() + done, 0, part);
    }
    done += part;
  }
  return done;
}

std::string FileContent::text() const {
  std::string all(now_.size, '\0');
  read(0, std::as_writable_bytes(std::span(all)));
  return all;
}

void FileContent::set_block(std::uint64_t index, BlockPtr block) {
  unsynced_.try_emplace(index, durable_.at(index)).first->second.set(block);
  now_.set(index, std::move(block));
}

void FileContent::set_size(std::uint64_t size) {
  now_.size = size;
  smallest_ = std::min(smallest_, size);
  largest_ = std::max(largest_, size);
}

void FileContent::write(std::uint64_t offset, base::ByteSpan bytes) {
  const std::uint64_t index = offset / kBlockSize;
  std::shared_ptr<Block> changed = copy_of(block(index));
  std::memcpy(changed->data() + offset % kBlockSize, bytes.data(), bytes.size());
  set_block(index, std::move(changed));
  if (offset + bytes.size() > now_.size) set_size(offset + bytes.size());
}

void FileContent::resize(std::uint64_t size) {
  while (now_.blocks.size() > blocks_for(size)) set_block(now_.blocks.size() - 1, nullptr);
  if (const std::uint64_t used = size % kBlockSize; used != 0) {
    const BlockPtr last = block(size / kBlockSize);
    if (last && std::any_of(last->begin() + static_cast<std::ptrdiff_t>(used), last->end(),
                            [](std::byte b) { return b != std::byte{0}; })) {
      const std::shared_ptr<Block> cut = copy_of(last);
      std::fill(cut->begin() + static_cast<std::ptrdiff_t>(used), cut->end(), std::byte{0});
      set_block(size / kBlockSize, cut);
    }
  }
  set_size(size);
}

void FileContent::share(const FileContent& source) {
  resize(0);
  for (std::uint64_t i = 0; i < source.block_count(); ++i) {
    if (source.block(i)) set_block(i, source.block(i));
  }
  set_size(source.size());
}

void FileContent::sync() {
  for (const auto& [index, states] : unsynced_) durable_.set(index, states.now());
  unsynced_.clear();
  durable_.size = smallest_ = largest_ = now_.size;
}

FileContent FileContent::survivor(Survives survives, Random& random) const {
  FileContent left;
  left.now_ = survives == Survives::everything ? now_ : durable_;
  if (survives == Survives::random_part && (!unsynced_.empty() || smallest_ != largest_)) {
    // From "nearly nothing was written" to "all but a block or two": bugs hide at both ends.
    static constexpr unsigned kShares[] = {0, 2, 8, 15, 16};
    const unsigned newest = kShares[random.below(std::size(kShares))];
    for (const auto& [index, states] : unsynced_) {
      BlockPtr kept = states.any(random, newest);
      if (random.chance(1))
        kept = torn(kept, states.any(random, 8), 1 + random.below(kBlockSize / kSector - 1));
      left.now_.set(index, std::move(kept));
    }
    std::uint64_t size = random.chance(8) ? now_.size : durable_.size;
    if (random.chance(6)) {
      size = smallest_ + random.below(largest_ - smallest_ + 1);
      if (random.chance(8)) size = std::max(smallest_, size / kBlockSize * kBlockSize);
    }
    left.resize(size);
  }
  left.unsynced_.clear();
  left.durable_ = left.now_;
  left.smallest_ = left.largest_ = left.now_.size;
  return left;
}

}  // namespace io::mem
