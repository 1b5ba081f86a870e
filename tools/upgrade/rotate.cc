#include "upgrade/rotate.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "io/atomic_file.h"
#include "upgrade/compress.h"
#include "upgrade/content.h"
#include "upgrade/data_folder.h"
#include "upgrade/journal.h"
#include "upgrade/known_copies.h"
#include "upgrade/remove_exactly.h"
#include "upgrade/retention.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

// More than there can be generations: somebody who makes new ones while we run does not keep us for ever.
constexpr unsigned kMostSteps = 2000;

struct Copy {
  Generation generation;
  std::string name;
  io::FileStatus status;
};

class Rotation {
 public:
  // `state` may be null: then nothing is known.
  Rotation(io::Env& env, const Instance& instance, io::Dir* state, const io::OnProgress& progress)
      : env_(env), folder_(env, instance), settings_(instance.settings), state_(state), progress_(progress) {
    if (state_ == nullptr) return;
    known_ = KnownCopies::load(*state_);
    upgrade_open_ = load_journal(*state_).open.has_value();
  }

  RotatePlan plan() {
    survey();
    std::vector<Generation> gone = choose_removals(0, {});
    for (const Copy& copy : copies_) {
      if (!is_in(gone, copy.generation) && to_compress(copy)) report_.done.compress.push_back(copy.name);
    }
    const std::vector<Generation> more = choose_removals(settings_.min_free, gone);
    gone.insert(gone.end(), more.begin(), more.end());
    for (const Generation& generation : gone) {
      report_.done.remove.push_back(generation_name(folder_.data_name(), generation));
    }
    return finished_report().done;
  }

  RotateReport run() {
    io::sweep_temporaries(folder_.dir(), folder_.data_name());
    remove(0);
    std::optional<Error> no_room;
    do {
      no_room = compress_all();
    } while (remove(settings_.min_free) && no_room);
    survey();
    if (state_ != nullptr) known_.save(*state_, statuses(), env_);
    if (no_room) throw *no_room;
    report_.free = folder_.dir().space().free;
    return finished_report();
  }

 private:
  static bool is_in(const std::vector<Generation>& list, const Generation& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
  }

  // Each is told only once, however often the folder is looked at.
  void skip(const std::string& name, const std::string& reason) {
    skipped_.insert(base::quoted(name) + ": " + reason);
  }

  void fail(const Error& error) { failed_.insert(error.what()); }

  RotateReport finished_report() {
    report_.done.skipped.assign(skipped_.begin(), skipped_.end());
    report_.failed.assign(failed_.begin(), failed_.end());
    return report_;
  }

  std::vector<io::FileStatus> statuses() const {
    std::vector<io::FileStatus> all;
    for (const Copy& copy : copies_) all.push_back(copy.status);
    return all;
  }

  // What is there now that may be touched, oldest first.
  void survey() {
    copies_.clear();
    names_.clear();
    for (const Generation& generation : folder_.generations()) {
      const std::string name = generation_name(folder_.data_name(), generation);
      names_.insert(name);
      try {
        const auto file = folder_.open_ours(name);
        if (file) copies_.push_back({generation, name, file->status()});
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::unsafe_path) {
          skip(name, error.reason());
        } else if (error.kind() != ErrorKind::not_found) {
          fail(error);
        }
      }
    }
    std::reverse(copies_.begin(), copies_.end());
    held_.clear();
    if (io::Dir* const vault = upgrade_open_ ? folder_.find_vault() : nullptr) {
      for (const std::string& name : vault->list()) {
        if (const auto status = vault->status(name)) held_.push_back(*status);
      }
    }
  }

  bool to_compress(const Copy& copy) {
    if (copy.generation.compressed || copy.generation.number == 0) return false;
    // Its turn comes when the upgrade is closed.
    if (std::any_of(held_.begin(), held_.end(),
                    [&](const io::FileStatus& held) { return held.same_file(copy.status); })) {
      return false;
    }
    if (copy.status.size == 0) {
      skip(copy.name, "is empty");
    } else if (is_mostly_hole(copy.status, folder_.dir().space())) {
      skip(copy.name, "claims to be larger than its file system");
    } else if (has_compressed_name(copy) && find_compressed(copy) == nullptr) {
      skip(copy.name, "something else has the name of its compressed form");
    } else {
      return true;
    }
    return false;
  }

  bool has_compressed_name(const Copy& plain) const {
    return names_.count(generation_name(folder_.data_name(), {plain.generation.number, true})) > 0;
  }
  const Copy* find_compressed(const Copy& plain) const {
    const Generation wanted{plain.generation.number, true};
    const auto found = std::find_if(copies_.begin(), copies_.end(),
                                    [&](const Copy& copy) { return copy.generation == wanted; });
    return found == copies_.end() ? nullptr : &*found;
  }

  // ---- compressing

  // The first error for want of room, if there was one.
  std::optional<Error> compress_all() {
    std::optional<Error> no_room;
    std::set<std::pair<std::uint64_t, std::uint64_t>> tried;  // files, by device and inode: names move
    for (unsigned steps = 0; steps < kMostSteps; ++steps) {
      survey();
      const auto next = std::find_if(copies_.begin(), copies_.end(), [&](const Copy& copy) {
        return tried.count({copy.status.device, copy.status.inode}) == 0 && to_compress(copy);
      });
      if (next == copies_.end()) break;
      const Copy copy = *next;
      try {
        if (compress_one(copy)) tried.insert({copy.status.device, copy.status.inode});
      } catch (const Error& error) {
        tried.insert({copy.status.device, copy.status.inode});
        if (error.kind() != ErrorKind::no_space) {
          fail(error);
        } else if (!no_room) {
          no_room = error;
        }
      }
    }
    return no_room;
  }

  // False if its number was made two, and it has to be looked at again.
  bool compress_one(const Copy& copy) {
    const unsigned number = copy.generation.number;
    std::optional<io::FileStatus> replaced;
    if (find_compressed(copy) != nullptr) {
      const Pair pair = compare_pair(env_, folder_, number);
      switch (pair.kind) {
        case Pair::Kind::same: take(copy, finish_pair(env_, folder_, number, pair)); return true;
        case Pair::Kind::unreadable: replaced = pair.compressed; break;
        case Pair::Kind::young: skip(copy.name, "its compressed form may still be written"); return true;
        case Pair::Kind::both_bad:
          skip(copy.name, "neither it nor its compressed form is whole");
          return true;
        case Pair::Kind::plain_older:
        case Pair::Kind::compressed_older:
          if (separate_pair(folder_, number, pair)) return false;
          skip(copy.name, "its compressed form holds something else, and no number is free");
          return true;
      }
    }
    const std::uint64_t before = bytes_read_;
    take(copy, compress_generation(env_, folder_, number, replaced, [&](std::uint64_t bytes) {
           bytes_read_ = before + bytes;
           if (progress_) progress_(bytes_read_);
         }));
    return true;
  }

  void take(const Copy& copy, const std::optional<CompressedGeneration>& compressed) {
    if (!compressed) {
      skip(copy.name, "was moved or written to meanwhile");
      return;
    }
    known_.remember(compressed->status, compressed->good);
    report_.done.compress.push_back(copy.name);
    report_.bytes_before += compressed->size_before;
    report_.bytes_after += compressed->size_after;
  }

  // ---- retention

  // By the rules, among the copies that are not in `without`.
  std::vector<Generation> choose_removals(std::uint64_t min_free, const std::vector<Generation>& without) {
    if (upgrade_open_) return {};
    const RetentionRules rules{settings_.keep, settings_.keep_min, min_free};
    std::uint64_t free = folder_.dir().space().free;
    std::vector<StoredGeneration> stored;
    std::vector<const Copy*> stored_copies;
    for (const Copy& copy : copies_) {
      const std::uint64_t gain = copy.status.links > 1 ? 0 : copy.status.allocated;
      if (is_in(without, copy.generation)) {
        free += gain;
        continue;
      }
      stored.push_back({copy.generation, gain, true});
      stored_copies.push_back(&copy);
    }
    // Reading is not needed where even good ones would not have to go, or could not.
    if (plan_retention(stored, free, rules).empty()) return {};
    std::vector<StoredGeneration> judged;
    for (std::size_t i = 0; i < stored.size(); ++i) {
      const auto good = is_good(*stored_copies[i]);
      if (!good) continue;
      stored[i].good = *good;
      judged.push_back(stored[i]);
    }
    return plan_retention(judged, free, rules);
  }

  // Empty if it cannot be read: then it is neither counted nor removed.
  std::optional<bool> is_good(const Copy& copy) {
    if (const auto known = known_.find(copy.status)) return known;
    try {
      const auto file = folder_.open_ours(copy.name);
      if (!file) return std::nullopt;
      const io::FileStatus status = file->status();
      const std::uint64_t limit = folder_.dir().space().total;
      if (!copy.generation.compressed && status.size > limit) return false;
      const bool good =
          copy.generation.compressed ? read_compressed(*file, limit).good : read_plain(*file, {}).good;
      known_.remember(status, good);
      return good;
    } catch (const Error& error) {
      fail(error);
      return std::nullopt;
    }
  }

  // True if something was removed.
  bool remove(std::uint64_t min_free) {
    survey();
    bool changed = false;
    for (const Generation& generation : choose_removals(min_free, {})) {
      const auto copy = std::find_if(copies_.begin(), copies_.end(),
                                     [&](const Copy& one) { return one.generation == generation; });
      if (!remove_exactly(env_, folder_, generation, copy->status)) {
        skip(copy->name, "was moved or written to meanwhile");
        continue;
      }
      report_.done.remove.push_back(copy->name);
      changed = true;
    }
    if (changed) folder_.dir().sync();
    return changed;
  }

  io::Env& env_;
  DataFolder folder_;
  const Settings& settings_;
  io::Dir* state_;
  const io::OnProgress progress_;
  KnownCopies known_;
  bool upgrade_open_ = false;
  std::vector<Copy> copies_;
  std::set<std::string> names_;       // of all generations, also those that may not be touched
  std::vector<io::FileStatus> held_;  // in the vault, while an upgrade is open
  std::set<std::string> skipped_, failed_;
  std::uint64_t bytes_read_ = 0;
  RotateReport report_;
};

}  // namespace

RotatePlan plan_rotate(io::Env& env, const Instance& instance) {
  if (!has_data_folder(env, instance)) return {};
  const auto state = find_state(env, instance.name);
  return Rotation(env, instance, state.get(), {}).plan();
}

RotateReport rotate(io::Env& env, const Instance& instance, const io::OnProgress& progress) {
  if (!has_data_folder(env, instance)) return {};
  const auto state = open_state(env, instance.name);
  const io::FileLock lock = lock_instance(*state, "schooltool-db-rotate", instance.settings.lock_wait, env);
  return Rotation(env, instance, state.get(), progress).run();
}

}  // namespace upgrade
