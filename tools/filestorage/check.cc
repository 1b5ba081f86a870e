#include "filestorage/check.h"

#include <array>
#include <utility>

#include "filestorage/check_blobs.h"
#include "filestorage/check_index.h"
#include "filestorage/check_references.h"
#include "filestorage/record_walk.h"

namespace filestorage {

namespace {

constexpr std::size_t kMostFaults = 100'000;

class Check {
 public:
  Check(io::File& data, const CheckOptions& options, const OnProblem& told)
      : data_(data), options_(options), told_([this, &told](const Problem& problem) {
          ++report_.counts[problem.kind];
          told(problem);
        }) {}

  CheckReport run() {
    structure();
    if (options_.references && positions_.size() != 0) references();
    if (options_.index != nullptr)
      check_index(*options_.index, data_, report_.structure, positions_, options_, told_);
    if (options_.blobs != nullptr) {
      report_.blobs = check_blobs(data_, report_.structure, *options_.blobs, told_,
                                  progress("looking for blobs", report_.structure.end));
    }
    return std::move(report_);
  }

 private:
  io::OnProgress progress(const char* what, std::uint64_t total) const {
    return options_.progress ? options_.progress(what, total) : io::OnProgress();
  }

  void structure() {
    ScanOptions scan_options;
    scan_options.positions = &positions_;
    scan_options.without_data = &without_data_;
    scan_options.beyond_breaks = true;
    scan_options.max_findings = kMostFaults;
    scan_options.on_progress = progress("reading the transactions", data_.status().size);
    report_.structure = scan(data_, scan_options);
    ScanResult& found = report_.structure;
    report_.more = found.findings.size() == kMostFaults;
    if (found.size == 0) tell(ProblemKind::empty_file, 0, "the file is empty");
    for (Finding& finding : std::exchange(found.findings, {})) tell_fault(std::move(finding));
    switch (found.tail) {
      case Tail::clean: break;
      case Tail::torn: tell(ProblemKind::torn_end, found.end, "the file ends within a transaction"); break;
      case Tail::unfinished:
        tell(ProblemKind::unfinished_end, found.end, "the transaction was voted, but not finished");
        break;
      case Tail::zeros:
        tell(ProblemKind::zeros_at_end, found.end, "zero bytes stand at the end of the file");
        break;
    }
    if (positions_.size() != 0 && positions_.get(0) == 0)
      tell(ProblemKind::no_root, 0, "there is no root object");
  }

  void references() {
    const ScanResult& found = report_.structure;
    const Dead dead = find_dead(data_, positions_, without_data_, found.end);
    const ReferenceCounts counts = check_references(data_, positions_, dead, found, options_, told_,
                                                    progress("reading the objects", found.end));
    report_.records_read = counts.records;
    report_.references = counts.references;
  }

  // A pack leaves some prev fields behind that are not the newest record before, and are no fault; what does
  // not lead to a record of the object at all is one.
  bool leads_to_earlier_record(const Finding& finding) {
    std::array<std::byte, kRecordHeaderSize> bytes;
    if (data_.read_full(finding.position, bytes) != bytes.size()) return false;
    const std::uint64_t previous = load_record_header(bytes.data()).previous;
    if (previous == 0) return true;
    if (previous < kMagicSize || previous >= finding.position) return false;
    if (data_.read_full(previous, bytes) != bytes.size()) return false;
    const RecordHeader earlier = load_record_header(bytes.data());
    return earlier.oid == finding.oid && earlier.transaction < previous;
  }

  void tell_fault(Finding finding) {
    Problem problem;
    problem.kind = ProblemKind::structure;
    if (finding.fault == Fault::previous_record) {
      if (leads_to_earlier_record(finding)) return;
      problem.kind = ProblemKind::previous_record;
    }
    problem.fault = finding.fault;
    problem.position = finding.position;
    problem.tid = finding.tid;
    problem.has_oid = names_an_object(finding.fault);
    problem.oid = finding.oid;
    problem.text = std::move(finding.text);
    told_(problem);
  }

  static bool names_an_object(Fault fault) {
    switch (fault) {
      case Fault::record_location:
      case Fault::record_tid:
      case Fault::previous_record:
      case Fault::back_pointer:
      case Fault::version_record: return true;
      default: return false;
    }
  }

  void tell(ProblemKind kind, std::uint64_t position, std::string text) {
    Problem problem;
    problem.kind = kind;
    problem.position = position;
    problem.text = std::move(text);
    told_(problem);
  }

  io::File& data_;
  const CheckOptions& options_;
  CheckReport report_;
  OnProblem told_;
  Index positions_;
  std::vector<std::uint64_t> without_data_;
};

}  // namespace

std::uint64_t CheckReport::problems() const {
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : counts) sum += count;
  return sum;
}

CheckReport check(io::File& data, const CheckOptions& options, const OnProblem& told) {
  return Check(data, options, told).run();
}

}  // namespace filestorage
