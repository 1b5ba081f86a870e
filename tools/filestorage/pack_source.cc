#include "filestorage/pack_source.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "base/text.h"
#include "filestorage/pack_walk.h"
#include "filestorage/probe.h"
#include "filestorage/scan.h"

namespace filestorage {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t kNamed = 10;  // dangling references in a message

// Adds up what the kept records take.
struct Sum {
  const Selection& selection;
  FarReader far;
  std::uint64_t bytes = kMagicSize;

  bool transaction(std::uint64_t, const TransactionHeader& header) {
    bytes += header.size() + kTrailerSize;
    return true;
  }
  void record(const PackRecord& record) {
    if (!selection.keeps(record.header.oid, record.position)) return;
    bytes += kRecordHeaderSize + std::max(kBackPointerSize, data_of(far, record).length);
  }
  void end(std::uint64_t, const TransactionHeader&) {}
};

}  // namespace

std::uint64_t complete_end(io::File& file, std::uint64_t size) {
  const std::uint64_t end = find_end(file, size);
  if (end == 0) throw Error(ErrorKind::corrupt, "pack", file.path(), "is not a FileStorage");
  if (size <= kMagicSize || end == size) return std::min(end, size);
  ScanOptions options;
  options.records = false;
  options.limit = size;
  const ScanResult result = scan(file, options);
  if (result.damaged() || result.end != end) {
    const std::string what = result.findings.empty() ? "the end is damaged" : result.findings.front().text;
    throw Error(ErrorKind::corrupt, "pack", file.path(), what)
        .with_hint("a pack would lose what is behind it; fscheck tells more, fscheck --salvage saves it");
  }
  return end;
}

bool is_fs30(io::File& file) {
  return probe_magic(file, file.status().size) == FileKind::fs30;
}

void refuse_dangling(io::File& file, const Selection& selection, bool allowed) {
  if (selection.dangling_objects == 0 || allowed) return;
  std::string names;
  for (std::size_t i = 0; i < std::min(kNamed, selection.dangling.size()); ++i) {
    const DanglingReference& one = selection.dangling[i];
    names += (i == 0 ? "" : ", ") + std::string("0x") + base::to_hex(one.target);
    if (one.target != 0) names += " (named by 0x" + base::to_hex(one.holder) + ")";
  }
  if (selection.dangling_objects > kNamed) names += ", ...";
  throw Error(ErrorKind::corrupt, "pack", file.path(),
              "references lead to " + std::to_string(selection.dangling_objects) +
                  (selection.dangling_objects == 1 ? " object" : " objects") +
                  " that did not exist at the pack time: " + names)
      .with_hint("--allow-dangling packs all the same and leaves them as they are");
}

PackOutcome outcome_of(const Selection& selection) {
  switch (selection.outcome) {
    case Selection::Outcome::empty: return PackOutcome::empty;
    case Selection::Outcome::redundant: return PackOutcome::redundant;
    case Selection::Outcome::some: break;
  }
  return PackOutcome::packed;
}

std::uint64_t size_bound(io::File& file, const Selection& selection) {
  if (selection.size_bound != 0) return selection.size_bound;
  ForwardReader in(file, selection.packpos);
  Sum sum{selection, FarReader(file, selection.packpos)};
  Tid last_tid = 0;
  walk_transactions(in, kMagicSize, last_tid, sum);
  return sum.bytes + (selection.end - selection.packpos);
}

PackSteps::PackSteps(const PackRequest& request, std::uint64_t end) : options_(request.options), end_(end) {
  if (!request.progress) return;
  const std::uint64_t selecting = request.options.collect_garbage ? 2 * end : end;
  const io::OnProgress tell = request.progress(selecting + end);
  if (!tell) return;
  options_.on_progress = tell;
  copying_ = [tell, selecting](std::uint64_t done) { tell(selecting + done); };
}

}  // namespace filestorage
