#include "filestorage/rebuild_index.h"

#include <memory>
#include <optional>

#include "base/error.h"
#include "filestorage/index_file.h"
#include "filestorage/storage_lock.h"
#include "io/atomic_file.h"

namespace filestorage {

namespace {

using base::Error;
using base::ErrorKind;

std::unique_ptr<io::File> open_if_there(io::Dir& dir, const std::string& name) {
  if (!dir.status(name)) return nullptr;
  return dir.open_file(name, io::Access::read);
}

}  // namespace

RebuildReport rebuild_index(io::Dir& dir, const std::string& name, io::Env& env,
                            const RebuildOptions& options) {
  const std::string index_name = name + ".index";
  std::optional<StorageLock> lock;
  if (!options.dry_run) {
    lock.emplace(dir, name, dir.open_file(name, io::Access::read)->status().owner, env);
    io::sweep_temporaries(dir, index_name);
  }
  // Under the lock: a server may have put another file in its place before it let go.
  const auto data = dir.open_file(name, io::Access::read);
  const io::FileStatus status = data->status();

  Index positions;
  ScanOptions scan_options;
  scan_options.positions = &positions;
  scan_options.on_progress = options.progress;
  const ScanResult found = scan(*data, scan_options);
  for (const Finding& finding : found.findings) {
    if (!finding.fatal) continue;
    throw Error(ErrorKind::corrupt, "index", data->path(),
                finding.text + ", at " + std::to_string(finding.position))
        .with_hint("fscheck tells all that is damaged, fscheck --salvage saves what can be read");
  }
  RebuildReport report;
  report.objects = positions.size();
  report.position = found.end;
  report.tail = found.tail;
  const auto present = open_if_there(dir, index_name);
  report.had_index = present != nullptr;
  if (options.dry_run) return report;

  const IndexForm form = index_form(found.magic != Magic::fs21, present.get());
  io::AtomicFile out(dir, index_name, env);
  report.size = write_index(out.file(), positions, found.end, form.dialect, form.strings);
  out.seal(status.owner, status.mode);
  out.commit(io::Replace::yes);
  return report;
}

}  // namespace filestorage
