#include "io/mem_tree.h"

#include <algorithm>
#include <set>
#include <utility>

namespace io::mem {

void Inode::sync() {
  owner.sync();
  mode.sync();
  modified.sync();
  content.sync();
}

Tree::Tree(base::UtcTime time) : root_(make(FileType::directory, Owner{}, 0755, time)) {
  root_->links = 1;
}

InodePtr Tree::make(FileType type, Owner owner, std::uint32_t mode, base::UtcTime time) {
  return std::make_shared<Inode>(next_inode_++, type, owner, mode, time);
}

InodePtr Tree::find(const Inode& dir, const std::string& name) {
  const auto found = dir.names.find(name);
  return found == dir.names.end() ? nullptr : found->second;
}

// ---- names

// Changes of the same name reach the disk in their order: the later one has changed the directory block that
// holds the former.
std::uint64_t Tree::log(NameChange change) {
  for (const Slot& slot : change.slots) {
    const auto last = std::find_if(pending_.rbegin(), pending_.rend(), [&](const auto& earlier) {
      const std::vector<Slot>& slots = earlier.second.slots;
      return std::find(slots.begin(), slots.end(), slot) != slots.end();
    });
    if (last != pending_.rend()) change.needs.push_back(last->first);
  }
  // A folder goes only after what was in it: nothing may be lost inside it that has moved elsewhere. Moves of
  // whole folders wait for all before them, so that no order can close a circle.
  for (const Effect& effect : change.effects) {
    const auto standing = effect.slot.dir->names.find(effect.slot.name);
    const bool folder_leaves = standing != effect.slot.dir->names.end() && standing->second->is_dir();
    if (!folder_leaves && !(change.effects.size() == 2 && effect.inode && effect.inode->is_dir())) continue;
    for (const auto& earlier : pending_) change.needs.push_back(earlier.first);
  }
  for (const Effect& effect : change.effects) {
    if (effect.inode) {
      effect.slot.dir->names[effect.slot.name] = effect.inode;
    } else {
      effect.slot.dir->names.erase(effect.slot.name);
    }
  }
  pending_.emplace(next_change_, std::move(change));
  return next_change_++;
}

void Tree::add(const InodePtr& dir, const std::string& name, const InodePtr& inode) {
  const InodePtr displaced = find(*dir, name);
  log({.effects = {{{dir, name}, inode}}, .slots = {{dir, name}}, .needs = {}});
  ++inode->links;
  if (displaced) unlink(displaced);
}

void Tree::drop(const InodePtr& dir, const std::string& name) {
  const InodePtr inode = find(*dir, name);
  log({.effects = {{{dir, name}, nullptr}}, .slots = {{dir, name}}, .needs = {}});
  unlink(inode);
}

void Tree::move(const InodePtr& from_dir, const std::string& from, const InodePtr& to_dir,
                const std::string& to) {
  const InodePtr inode = find(*from_dir, from), displaced = find(*to_dir, to);
  const Slot old_name{from_dir, from}, new_name{to_dir, to};
  if (from_dir == to_dir || inode->is_dir()) {
    log({.effects = {{old_name, nullptr}, {new_name, inode}}, .slots = {old_name, new_name}, .needs = {}});
  } else {
    // The new name comes first: both may stand, never neither.
    const std::uint64_t added =
        log({.effects = {{new_name, inode}}, .slots = {old_name, new_name}, .needs = {}});
    log({.effects = {{old_name, nullptr}}, .slots = {old_name}, .needs = {added}});
  }
  if (displaced) unlink(displaced);
}

void Tree::unlink(const InodePtr& inode) {
  --inode->links;
  if (inode->links == 0 && inode->opens == 0) release_all(*inode);
}

void Tree::apply(const NameChange& change) {
  for (const Effect& effect : change.effects) {
    if (effect.inode) {
      effect.slot.dir->durable_names[effect.slot.name] = effect.inode;
    } else {
      effect.slot.dir->durable_names.erase(effect.slot.name);
    }
  }
}

void Tree::commit(std::uint64_t number) {
  auto found = pending_.find(number);
  if (found == pending_.end()) return;
  const NameChange change = std::move(found->second);
  pending_.erase(found);
  for (const std::uint64_t needed : change.needs) commit(needed);
  apply(change);
}

void Tree::sync_names(const Inode& dir) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, change] : pending_) {
    if (std::any_of(change.effects.begin(), change.effects.end(),
                    [&](const Effect& effect) { return effect.slot.dir.get() == &dir; })) {
      numbers.push_back(number);
    }
  }
  for (const std::uint64_t number : numbers) commit(number);
}

void Tree::sync_name(const Inode& dir, const std::string& name) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, change] : pending_) {
    if (std::any_of(change.slots.begin(), change.slots.end(),
                    [&](const Slot& slot) { return slot.dir.get() == &dir && slot.name == name; })) {
      numbers.push_back(number);
    }
  }
  for (const std::uint64_t number : numbers) commit(number);
}

// ---- content and room

std::uint64_t Tree::free_bytes() const {
  const std::uint64_t used = (users_.size() + reserved_holes_) * kBlockSize;
  return capacity > used ? capacity - used : 0;
}

void Tree::use(const BlockPtr& block) {
  if (block) ++users_[block.get()];
}

void Tree::release(const BlockPtr& block) {
  if (!block) return;
  const auto found = users_.find(block.get());
  if (found != users_.end() && --found->second == 0) users_.erase(found);
}

std::uint64_t Tree::reserved_holes(const Inode& file) {
  std::uint64_t holes = file.reserved;
  for (std::uint64_t i = 0; i < std::min(file.reserved, file.content.block_count()); ++i) {
    if (file.content.block(i)) --holes;
  }
  return holes;
}

void Tree::use_all(const Inode& file) {
  for (std::uint64_t i = 0; i < file.content.block_count(); ++i) use(file.content.block(i));
  reserved_holes_ += reserved_holes(file);
}

void Tree::release_all(const Inode& file) {
  for (std::uint64_t i = 0; i < file.content.block_count(); ++i) release(file.content.block(i));
  reserved_holes_ -= reserved_holes(file);
}

void Tree::closed(Inode& file) {
  --file.opens;
  if (file.links == 0 && file.opens == 0) release_all(file);
}

bool Tree::has_room(const Inode& file, std::uint64_t block) const {
  const BlockPtr& standing = file.content.block(block);
  if (standing) {
    const auto found = users_.find(standing.get());
    if (found != users_.end() && found->second == 1) return true;  // its own; a shared one needs a copy
  } else if (block < file.reserved) {
    return true;
  }
  return free_bytes() >= kBlockSize;
}

std::size_t Tree::write(Inode& file, std::uint64_t offset, base::ByteSpan bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::uint64_t at = offset + done, index = at / kBlockSize;
    if (!has_room(file, index)) break;
    const std::size_t part = std::min<std::uint64_t>(bytes.size() - done, kBlockSize - at % kBlockSize);
    const BlockPtr before = file.content.block(index);
    file.content.write(at, bytes.subspan(done, part));
    use(file.content.block(index));
    release(before);
    if (!before && index < file.reserved) --reserved_holes_;
    done += part;
  }
  return done;
}

bool Tree::reserve(Inode& file, std::uint64_t size) {
  const std::uint64_t blocks = blocks_for(size);
  if (blocks <= file.reserved) return true;
  std::uint64_t needed = blocks - file.reserved;
  for (std::uint64_t i = file.reserved; i < std::min(blocks, file.content.block_count()); ++i) {
    if (file.content.block(i)) --needed;
  }
  if (needed > free_bytes() / kBlockSize) return false;
  file.reserved = blocks;
  reserved_holes_ += needed;
  return true;
}

void Tree::resize(Inode& file, std::uint64_t size) {
  release_all(file);
  file.content.resize(size);
  file.reserved = std::min(file.reserved, blocks_for(size));
  use_all(file);
}

void Tree::share(Inode& file, const Inode& source) {
  release_all(file);
  file.content.share(source.content);
  use_all(file);
}

std::uint64_t Tree::allocated(const Inode& file) const {
  std::uint64_t blocks = reserved_holes(file);
  for (std::uint64_t i = 0; i < file.content.block_count(); ++i) {
    if (file.content.block(i)) ++blocks;
  }
  return blocks * kBlockSize;
}

// ---- the power cut

namespace {

// Builds the tree as it is after the cut from fresh inodes: what is still open refers to the old ones, which
// are dead.
struct Survivors {
  Survives survives;
  Random& random;
  std::map<const Inode*, InodePtr> done;  // a file with several names stays one file

  InodePtr of(const Inode& old) {
    InodePtr& inode = done[&old];
    if (inode) return inode;
    const Owner owner = old.owner.survivor(survives, random);
    const std::uint32_t mode = old.mode.survivor(survives, random);
    inode =
        std::make_shared<Inode>(old.number, old.type, owner, mode, old.modified.survivor(survives, random));
    inode->content = old.content.survivor(survives, random);
    inode->target = old.target;
    for (const auto& [name, child] : survives == Survives::everything ? old.names : old.durable_names) {
      const InodePtr left = of(*child);
      inode->names[name] = left;
      ++left->links;
    }
    inode->durable_names = inode->names;
    return inode;
  }
};

}  // namespace

void Tree::crash(Survives survives, Random& random) {
  if (survives == Survives::random_part) {
    static constexpr unsigned kShares[] = {4, 8, 14};
    const unsigned share = kShares[random.below(std::size(kShares))];
    std::set<std::uint64_t> lost;
    for (const auto& [number, change] : pending_) {
      const bool possible = std::none_of(change.needs.begin(), change.needs.end(),
                                         [&](std::uint64_t needed) { return lost.count(needed) != 0; });
      if (possible && random.chance(share)) {
        apply(change);
      } else {
        lost.insert(number);
      }
    }
  }
  Survivors survivors{survives, random, {}};
  root_ = survivors.of(*root_);
  root_->links = 1;
  pending_.clear();
  users_.clear();
  reserved_holes_ = 0;
  for (const auto& [old, inode] : survivors.done) use_all(*inode);
}

}  // namespace io::mem
