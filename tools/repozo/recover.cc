#include "repozo/recover.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "filestorage/index_file.h"
#include "io/atomic_file.h"
#include "repozo/deliver.h"
#include "repozo/new_files.h"
#include "repozo/state.h"

namespace repozo {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint32_t kPermissions = 0777;  // set-user-id and the like are not carried over

RecoverResult result_of(const State& state, const Delivered& delivered) {
  return {state.pieces.back().name.stamp, delivered.size, delivered.md5, false};
}

// Why the index does not belong to the data; "" if it does. Ours have a sum; others at least have to be an
// index, and to end where the data do.
std::string objection_to(io::File& index, const Piece& last, std::uint64_t size) {
  if (last.described && last.end != size) return "is not of these data";
  if (last.sums) {
    return is_index_of(*last.sums, index) ? "" : "is damaged";
  }
  std::string why;
  const auto loaded = filestorage::read_index(index, why);
  if (!loaded) return "is damaged: " + why;
  return loaded->position == size ? "" : "is not of these data";
}

class FileRecovery {
 public:
  FileRecovery(Repository& repository, const Target& target, const RecoverOptions& options,
               const Report& report)
      : repository_(repository),
        target_(target),
        options_(options),
        report_(report),
        shown_(target.shown.empty() ? target.dir.path() + "/" + target.name : target.shown) {}

  RecoverResult run() {
    State state = find_state(repository_, options_, report_);
    demand_other_name();
    const auto old = target_.dir.status(target_.name);
    if (old && old->type != io::FileType::regular && old->type != io::FileType::symlink) {
      throw Error(ErrorKind::unsafe_path, "recover to", target_.dir.path() + "/" + target_.name,
                  "is not a plain file");
    }
    if (old)
      report_.say("Deleting old " + shown_);  // the original's words; ours waits until the new one is there
    report_.say("Recovering file to " + shown_);
    check_state(repository_, state, options_, report_);
    sweep();
    io::AtomicFile data(target_.dir, target_.name, repository_.env());
    data.file().try_lock();  // for the sweep of another run
    RecoverResult result =
        result_of(state, deliver_to_file(repository_, state, options_, data.file(), report_));
    const bool replaces = old && old->type == io::FileType::regular;
    const io::Owner owner = target_.owner ? *target_.owner
                            : replaces    ? old->owner
                                          : target_.dir.status().owner;
    const std::uint32_t mode = target_.mode ? *target_.mode
                               : replaces   ? old->mode & kPermissions
                                            : target_.new_mode;
    seal_as_far_as_allowed(data, owner, mode);
    result.index_restored = swap(data, state, owner, mode, result.size);
    return result;
  }

 private:
  // A slip of the hand must not replace a backup.
  void demand_other_name() {
    constexpr std::size_t stamp_size = 19;
    if (!is_stamp(target_.name.substr(0, stamp_size))) return;
    if (!target_.dir.status().same_file(repository_.dir().status())) return;
    throw Error(ErrorKind::unsafe_path, "recover to", target_.dir.path() + "/" + target_.name,
                "is a name of the repository's own files");
  }

  std::string index_target() const { return target_.name + ".index"; }

  // An index that is not of these data is never beside them, whatever happens between the steps: the old one
  // goes, then the data come, then the new one.
  bool swap(io::AtomicFile& data, const State& state, io::Owner owner, std::uint32_t mode,
            std::uint64_t size) {
    io::AtomicFile index(target_.dir, index_target(), repository_.env());
    index.file().try_lock();
    const bool have_index = copy_index(index.file(), state.pieces.back(), size);
    if (have_index) seal_as_far_as_allowed(index, owner, mode);
    if (target_.dir.status(index_target())) {
      target_.dir.remove(index_target());
      target_.dir.sync();
    }
    data.commit(io::Replace::yes);
    if (have_index) index.commit(io::Replace::yes);
    return have_index;
  }

  bool copy_index(io::File& target, const Piece& last, std::uint64_t size) {
    const std::string name = index_name(last.name.stamp);
    const auto status = repository_.dir().status(name);
    if (!status) {
      report_.say("No index file to restore: " + repository_.shown(name));
      return false;
    }
    const auto file = repository_.dir().open_file(name, io::Access::read);
    if (const std::string objection = objection_to(*file, last, size); !objection.empty()) {
      report_.warn(repository_.shown(name) + " " + objection + ", and was not restored");
      return false;
    }
    io::copy_prefix(*file, target, file->status().size, {});
    report_.say("Restoring index file " + repository_.shown(name) + " to " + shown_ + ".index");
    return true;
  }

  // Leftovers of killed runs: those that nobody holds locked.
  void sweep() {
    for (const std::string& name : target_.dir.list()) {
      const bool of_data = name.starts_with("." + target_.name + ".dbtools-");
      const bool of_index = name.starts_with("." + index_target() + ".dbtools-");
      if (!(of_data || of_index) || !io::is_temporary_name(name)) continue;
      const auto status = target_.dir.status(name);
      if (!status || status->type != io::FileType::regular) continue;
      try {
        if (target_.dir.open_file(name, io::Access::read)->try_lock()) target_.dir.remove(name);
      } catch (const Error&) {
        // Another sweeper was faster, or it is not ours to remove: in both cases no harm.
      }
    }
  }

  Repository& repository_;
  const Target& target_;
  const RecoverOptions& options_;
  const Report& report_;
  std::string shown_;
};

}  // namespace

RecoverResult recover_file(Repository& repository, const Target& target, const RecoverOptions& options,
                           const Report& report) {
  return FileRecovery(repository, target, options, report).run();
}

RecoverResult recover_to(Repository& repository, const std::function<void(base::ByteSpan)>& sink,
                         const RecoverOptions& options, const Report& report) {
  State state = find_state(repository, options, report);
  report.say("Recovering file to stdout");
  check_state(repository, state, options, report);
  return result_of(state, deliver(repository, state, options, sink, report));
}

}  // namespace repozo
