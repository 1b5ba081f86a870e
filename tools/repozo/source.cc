#include "repozo/source.h"

#include <array>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "filestorage/format.h"
#include "filestorage/probe.h"
#include "filestorage/scan_on.h"

namespace repozo {

using base::Error;
using base::ErrorKind;

namespace {

[[noreturn]] void damaged(const io::File& file, const std::string& reason) {
  throw Error(ErrorKind::corrupt, "back up", file.path(), reason)
      .with_hint("nothing was written to the repository; its backups are as they were");
}

const filestorage::Finding* first_fatal(const filestorage::ScanResult& result) {
  for (const filestorage::Finding& finding : result.findings) {
    if (finding.fatal) return &finding;
  }
  return nullptr;
}

[[noreturn]] void damaged(const io::File& file, const filestorage::Finding& finding) {
  damaged(file, "is damaged at byte " + std::to_string(finding.position) + ": " + finding.text);
}

// Behind the end may stand what a crash or a running server leaves (which may be finished by now), and
// nothing with which a server would refuse the file.
void demand_harmless_tail(io::File& file, std::uint64_t end, std::uint64_t size) {
  const auto last = filestorage::transaction_ending_at(file, end);
  filestorage::ScanOptions options;
  options.limit = size;
  const auto tail = filestorage::scan_on(file, options, end, last ? last->header.tid : 0);
  if (const filestorage::Finding* finding = first_fatal(tail)) damaged(file, *finding);
}

}  // namespace

std::uint64_t end_of_source(io::File& file) {
  const std::uint64_t size = file.status().size;
  if (size == 0) damaged(file, "is empty, not a database");
  const std::uint64_t end = filestorage::find_end(file, size);
  if (end == 0) damaged(file, "is not a FileStorage: it does not begin with FS21 or FS30");
  if (end < size) demand_harmless_tail(file, end, size);
  return end;
}

SourceScan::SourceScan(io::File& file, std::uint64_t end, std::optional<KnownPart> known)
    : file_(file), end_(end) {
  if (known) {
    from_ = known->end;
    positions_ = std::move(known->positions);
  }
  try {
    thread_ = std::thread([this] { scan(); });
  } catch (const std::system_error&) {
    scan();
  }
}

SourceScan::~SourceScan() {
  if (thread_.joinable()) thread_.join();
}

void SourceScan::scan() {
  try {
    filestorage::ScanOptions options;
    options.limit = end_;
    options.positions = &positions_;
    if (from_ <= filestorage::kMagicSize) {
      result_ = filestorage::scan(file_, options);
      return;
    }
    const auto last = filestorage::transaction_ending_at(file_, from_);
    if (!last) damaged(file_, "has changed at byte " + std::to_string(from_));
    result_ = filestorage::scan_on(file_, options, from_, last->header.tid);
  } catch (...) {  // carried to demand_whole()
    failure_ = std::current_exception();
  }
}

void SourceScan::demand_whole() {
  if (thread_.joinable()) thread_.join();
  if (failure_) std::rethrow_exception(failure_);
  if (const filestorage::Finding* finding = first_fatal(result_)) {
    damaged(file_, *finding);
  }
  if (result_.end != end_) {
    damaged(file_,
            "is damaged at byte " + std::to_string(result_.end) + ": the chain of transactions breaks there");
  }
  if (file_.status().size < end_) damaged(file_, "was cut while it was read");
}

void write_source_index(io::File& target, const SourceScan& scan, std::uint64_t end, io::Dir& source_dir,
                        const std::string& source_name) {
  using filestorage::IndexDialect;
  using filestorage::IndexStrings;
  constexpr std::byte protocol_opcode{0x80};  // begins each pickle from protocol 2 on
  const bool python3 = scan.magic() != filestorage::Magic::fs21;
  IndexDialect dialect = python3 ? IndexDialect::protocol3 : IndexDialect::protocol1;
  if (!python3) {
    try {
      std::array<std::byte, 1> first{};
      source_dir.open_file(source_name + ".index", io::Access::read)->read_full(0, first);
      if (first[0] == protocol_opcode) dialect = IndexDialect::protocol3;
    } catch (const Error&) {
      // No index, or none that can be read: a cache, which decides nothing but this.
    }
  }
  filestorage::write_index(target, scan.positions(), end, dialect,
                           python3 ? IndexStrings::python3 : IndexStrings::python2);
}

}  // namespace repozo
