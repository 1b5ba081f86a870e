#include "upgrade/known_copies.h"

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/json_text.h"
#include "io/atomic_file.h"

namespace upgrade {

using nlohmann::json;

namespace {

constexpr const char* kName = "verified.json";
constexpr std::size_t kLimit = 1 << 20;

}  // namespace

KnownCopies::Key KnownCopies::key_of(const io::FileStatus& copy) {
  return {copy.inode, copy.size, copy.modified.seconds, copy.modified.nanoseconds};
}

KnownCopies KnownCopies::load(io::Dir& state) {
  KnownCopies known;
  try {
    const json document = base::parse_json(io::read_small_file(state, kName, kLimit));
    for (const json& copy : document.at("copies")) {
      known.good_[{copy.at("inode").get<std::uint64_t>(), copy.at("size").get<std::uint64_t>(),
                   copy.at("seconds").get<std::int64_t>(), copy.at("nanoseconds").get<std::int32_t>()}] =
          copy.at("good").get<bool>();
    }
  } catch (const base::Error&) {
    known.good_.clear();
  } catch (const json::exception&) {
    known.good_.clear();
  }
  known.on_disk_ = known.good_;
  return known;
}

void KnownCopies::save(io::Dir& state, const std::vector<io::FileStatus>& present, io::Env& env) {
  std::map<Key, bool> kept;
  json copies = json::array();
  for (const io::FileStatus& copy : present) {
    const auto known = good_.find(key_of(copy));
    if (known == good_.end() || !kept.insert(*known).second) continue;
    copies.push_back({{"inode", copy.inode},
                      {"size", copy.size},
                      {"seconds", copy.modified.seconds},
                      {"nanoseconds", copy.modified.nanoseconds},
                      {"good", known->second}});
  }
  if (kept == on_disk_) return;
  try {
    const std::string text = base::json_text(json{{"copies", copies}}) + "\n";
    io::replace_file(state, kName, base::as_bytes(text), state.status().owner, 0600, env);
    on_disk_ = std::move(kept);
  } catch (const base::Error&) {
    // The copies are read again next time.
  }
}

std::optional<bool> KnownCopies::find(const io::FileStatus& copy) const {
  const auto known = good_.find(key_of(copy));
  if (known == good_.end()) return std::nullopt;
  return known->second;
}

void KnownCopies::remember(const io::FileStatus& copy, bool good) {
  good_[key_of(copy)] = good;
}

}  // namespace upgrade
