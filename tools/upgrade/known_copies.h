// What is known of stored copies without reading them again: a small file in the state folder, keyed by what
// stays the same when a copy is renamed (inode, size, time). Only a cache: without it, or with a stale one,
// copies are read once more.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "io/env.h"

namespace upgrade {

class KnownCopies {
 public:
  // From the state folder; empty if nothing usable is there.
  static KnownCopies load(io::Dir& state);
  // Keeps what is known of `present` only. Does nothing if that is on disk already; a failure to write is no
  // error, as it costs a reading only.
  void save(io::Dir& state, const std::vector<io::FileStatus>& present, io::Env& env);

  // Whether it holds a good database (content.h); empty if unknown.
  std::optional<bool> find(const io::FileStatus& copy) const;
  void remember(const io::FileStatus& copy, bool good);

 private:
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::int32_t>;  // inode, size, time
  static Key key_of(const io::FileStatus& copy);
  std::map<Key, bool> good_, on_disk_;
};

}  // namespace upgrade
