#include "filestorage/pack.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "base/text.h"
#include "filestorage/dropped_blobs.h"
#include "filestorage/index_file.h"
#include "filestorage/pack_blobs.h"
#include "filestorage/pack_file.h"
#include "filestorage/pack_source.h"
#include "filestorage/pack_verify.h"
#include "filestorage/storage_lock.h"
#include "io/atomic_file.h"

namespace filestorage {

using base::Error;
using base::ErrorKind;

namespace {

// One pack under way.
class Packing {
 public:
  Packing(io::Env& env, io::Dir& dir, const std::string& name, const PackRequest& request)
      : env_(env), dir_(dir), name_(name), request_(request), file_(dir.open_file(name, io::Access::read)) {}

  PackReport run() {
    status_ = file_->status();
    refuse_folders();
    io::sweep_temporaries(dir_, kPackTemporary + name_);
    if (!request_.blobs.empty()) blobs_.emplace(env_, request_.blobs, *file_);
    report_.stop = request_.options.stop;
    report_.size_before = report_.size_after = status_.size;
    const std::uint64_t end = complete_end(*file_, status_.size);
    report_.torn_bytes = status_.size - end;
    PackSteps steps(request_, end);
    Selection selection = select_records(*file_, end, steps.options());
    refuse_dangling(*file_, selection, request_.options.allow_dangling);
    report_.outcome = outcome_of(selection);
    if (report_.outcome != PackOutcome::packed) return done();
    report_.rescued = selection.rescued.size();
    report_.dangling = selection.dangling;
    report_.dangling_objects = selection.dangling_objects;
    make_new_file(selection, steps);
    return done();
  }

 private:
  PackReport done() {
    if (blobs_) report_.blobs_removed = blobs_->removed();
    return report_;
  }

  void make_new_file(Selection& selection, PackSteps& steps) {
    const std::uint64_t bound = size_bound(*file_, selection);
    ask_for_space(bound + 8 * selection.graph.objects.size() + report_.torn_bytes);
    PackFile out(dir_, name_, env_);
    out.file().reserve(bound);
    PackOutput output(&out.file());
    DroppedBlobs dropped(selection);
    OnDropped on_dropped;
    if (blobs_) on_dropped = [&](const PackRecord& record, FarReader& far) { dropped.take(record, far); };
    report_.counts = copy_packed(*file_, selection, output, on_dropped, steps.copying());
    if (output.position() == selection.packpos) {
      report_.outcome = PackOutcome::nothing_gained;
      return;
    }
    copy_rest(*file_, selection, request_.options.flaws, output, steps.copying());
    output.flush();
    steps.copied();
    const std::uint64_t size = output.position();
    out.file().truncate(size);  // what was reserved beyond
    if (request_.options.flaws == PackFlaws::mended) verify_references(out.file(), selection);
    selection.graph.nodes.clear();
    PackFile index_file(dir_, index_name(), env_);
    seal_and_verify(out, size, index_file, selection.graph.objects);
    steps.copied();
    put_into_place(out, index_file, selection.graph.objects, dropped.finish());
    report_.size_after = size;
    report_.objects = selection.graph.objects.size();
  }

  // Where the new files are to go. A link in such a place is replaced, and what it leads to left alone.
  void refuse_folders() {
    refuse_folder(index_name());
    if (request_.keep_old) refuse_folder(old_name());
  }
  void refuse_folder(const std::string& name) {
    const auto status = dir_.status(name);
    if (!status || status->type != io::FileType::directory) return;
    throw Error(ErrorKind::unsafe_path, "pack", dir_.path() + "/" + name,
                "is a folder where a file has to go");
  }

  void ask_for_space(std::uint64_t needed) {
    const std::uint64_t free = dir_.space().free;
    if (free >= needed) return;
    throw Error(ErrorKind::no_space, "pack", file_->path(),
                "the packed file needs up to " + base::human_size(needed) + " beside it, " +
                    base::human_size(free) + " are free");
  }

  // The syncs wait for the disk, so the file is looked over meanwhile.
  void seal_and_verify(PackFile& out, std::uint64_t size, PackFile& index_file, const Index& index) {
    const std::unique_ptr<io::File> again = dir_.open_file(out.temporary(), io::Access::read);
    base::run_jobs(2, 2, [&](const base::NextJob& next) {
      for (std::uint64_t job = next(); job < 2; job = next()) {
        if (job == 0) {
          out.seal(status_.owner, status_.mode);
          write_new_index(index_file.file(), index, size);
          index_file.seal(status_.owner, status_.mode);
        } else {
          verify_packed(*again, size, index, request_.options.flaws, request_.options.threads);
        }
      }
    });
  }

  // The data file is what makes it count. The index of before goes first, so that at no time one stands
  // beside data that it does not belong to; without one a server makes it anew.
  void put_into_place(PackFile& out, PackFile& index_file, const Index& index,
                      const std::vector<DroppedBlob>& dropped) {
    refuse_changed();
    save_torn();
    if (blobs_) blobs_->prepare(dropped, index, out.file(), request_.keep_old);
    if (request_.keep_old) keep_old();
    if (dir_.status(index_name())) dir_.remove(index_name());
    dir_.sync();
    refuse_changed();
    out.place(name_, io::Replace::yes);
    dir_.sync();
    index_file.place(index_name(), io::Replace::yes);
    dir_.sync();
    if (blobs_) blobs_->finish();
  }

  // Something writes to the file, or put another one in its place, without asking for the lock. What it wrote
  // would be lost.
  void refuse_changed() {
    const auto named = dir_.status(name_);
    if (named && named->same_file(status_) && named->size == status_.size &&
        named->modified == status_.modified)
      return;
    throw Error(ErrorKind::busy, "pack", file_->path(), "was changed or replaced while it was packed")
        .with_hint("it was left as it is now; pack again when nothing else writes to it");
  }

  std::string index_name() const { return name_ + ".index"; }
  std::string old_name() const { return name_ + ".old"; }

  void write_new_index(io::File& target, const Index& index, std::uint64_t size) {
    std::unique_ptr<io::File> present;
    const auto status = dir_.status(index_name());
    if (status && status->type == io::FileType::regular) {
      present = dir_.open_file(index_name(), io::Access::read);
    }
    IndexForm form = index_form(is_fs30(*file_), present.get());
    if (form.dialect == IndexDialect::protocol1) form.dialect = IndexDialect::protocol1_after_pack;
    write_index(target, index, size, form.dialect, form.strings);
  }

  // As ZODB does at an opening: what a crash left behind the last transaction goes to a file of its own.
  void save_torn() {
    if (report_.torn_bytes < kTransactionHeaderSize) return;
    std::string name;
    for (unsigned number = 0; name.empty() || dir_.status(name); ++number) {
      name = name_ + ".tr" + std::to_string(number);
    }
    PackFile out(dir_, name, env_);
    PackOutput output(&out.file());
    ForwardReader in(*file_, status_.size);
    output.copy(in, status_.size - report_.torn_bytes, report_.torn_bytes);
    output.flush();
    out.seal(status_.owner, status_.mode);
    out.place(name, io::Replace::no);
    report_.torn_saved = name;
  }

  // A further name for the old file, in place of the Data.fs.old of before.
  void keep_old() {
    const auto present = dir_.status(old_name());
    if (present && present->same_file(status_)) return;
    const std::string temporary = io::temporary_name(kPackTemporary + old_name(), env_);
    dir_.link(*file_, temporary);
    dir_.rename(temporary, dir_, old_name(), io::Replace::yes);
  }

  io::Env& env_;
  io::Dir& dir_;
  const std::string name_;
  const PackRequest& request_;
  std::unique_ptr<io::File> file_;
  io::FileStatus status_;
  std::optional<PackBlobs> blobs_;
  PackReport report_;
};

}  // namespace

PackReport pack(io::Env& env, const std::string& dir_path, const std::string& name,
                const PackRequest& request) {
  const std::unique_ptr<io::Dir> dir = env.open_dir(dir_path, io::Links::administrator);
  const auto status = dir->status(name);
  if (!status) throw Error(ErrorKind::not_found, "pack", dir_path + "/" + name, "there is no such file");
  const StorageLock lock(*dir, name, status->owner, env);
  return Packing(env, *dir, name, request).run();
}

const char* to_string(PackOutcome outcome) {
  switch (outcome) {
    case PackOutcome::packed: return "packed";
    case PackOutcome::nothing_gained: return "nothing-gained";
    case PackOutcome::redundant: return "packed-already";
    case PackOutcome::empty: return "empty";
  }
  return "?";
}

}  // namespace filestorage
