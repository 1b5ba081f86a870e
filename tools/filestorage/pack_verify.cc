#include "filestorage/pack_verify.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "filestorage/pack_walk.h"
#include "filestorage/scan.h"
#include "filestorage/scan_on.h"

namespace filestorage {

namespace {

[[noreturn]] void refuse(io::File& packed, const std::string& what) {
  throw base::Error(base::ErrorKind::corrupt, "verify", packed.path(), what)
      .with_hint("the old file was left as it is; nothing was packed");
}

constexpr std::uint64_t kWorthTwoParts = 16 << 20;

// A scan leaves out transactions of status 'u'; the index of a pack has their records.
struct AllRecords {
  const Index& index;
  PackFlaws flaws;
  bool deletes = true;  // the transaction, where it says so
  std::uint64_t as_expected = 0, unexpected = 0;
  bool transaction(std::uint64_t, const TransactionHeader& header) {
    deletes = deletions_count(header, flaws);
    return true;
  }
  void record(const PackRecord& record) {
    if (!deletes && record.deletes()) return;
    const std::uint64_t newest = index.get(record.header.oid);
    as_expected += newest == record.position ? 1 : 0;
    unexpected += newest < record.position ? 1 : 0;
  }
  void end(std::uint64_t, const TransactionHeader&) {}
};

// Where the transactions from `begin` to `end` are looked over by themselves.
struct Part {
  std::uint64_t begin, end;
  ScanResult result;
};

void look_over(io::File& packed, const Index& index, Part& part) {
  ScanOptions options;
  options.limit = part.end;
  options.expected = &index;
  part.result = part.begin == kMagicSize ? scan(packed, options) : scan_on(packed, options, part.begin, 0);
}

void refuse_unsound(io::File& packed, const Part& part) {
  for (const Finding& finding : part.result.findings) {
    if (finding.fatal || finding.fault == Fault::back_pointer) {
      refuse(packed,
             "the new file is not sound: " + finding.text + ", at " + std::to_string(finding.position));
    }
  }
  if (part.result.tail != Tail::clean || part.result.end != part.end) {
    refuse(packed, "the new file ends at " + std::to_string(part.result.end) + ", not at " +
                       std::to_string(part.end));
  }
}

// The transaction of the object that stands last in the first half, as its record says. If no transaction
// begins there, then the first part does not end with one.
std::uint64_t middle(io::File& packed, std::uint64_t length, const Index& index) {
  if (length < kWorthTwoParts) return 0;
  std::uint64_t last = 0;
  index.for_each([&](Oid, std::uint64_t at) {
    if (at <= length / 2) last = std::max(last, at);
  });
  std::array<std::byte, kRecordHeaderSize> bytes{};
  if (last == 0 || packed.read_full(last, bytes) != bytes.size()) return 0;
  const std::uint64_t transaction = load_record_header(bytes.data()).transaction;
  return transaction > kMagicSize && transaction < last ? transaction : 0;
}

}  // namespace

void verify_packed(io::File& packed, std::uint64_t length, const Index& index, PackFlaws flaws,
                   unsigned threads) {
  if (const std::uint64_t size = packed.status().size; size != length) {
    refuse(packed, "the new file ends at " + std::to_string(size) + ", not at " + std::to_string(length));
  }
  std::vector<Part> parts = {{kMagicSize, length, {}}};
  if (const std::uint64_t half = middle(packed, length, index); half != 0) {
    parts = {{kMagicSize, half, {}}, {half, length, {}}};
  }
  base::run_jobs(parts.size(), threads, [&](const base::NextJob& next) {
    for (std::uint64_t i = next(); i < parts.size(); i = next()) {
      look_over(packed, index, parts[static_cast<std::size_t>(i)]);
    }
  });
  std::uint64_t as_expected = 0, unexpected = 0, undone = 0;
  for (const Part& part : parts) {
    refuse_unsound(packed, part);
    as_expected += part.result.as_expected;
    unexpected += part.result.unexpected;
    undone += part.result.undone;
  }
  if (undone != 0) {
    ForwardReader in(packed, length);
    Tid last_tid = 0;
    AllRecords all{index, flaws};
    walk_transactions(in, kMagicSize, last_tid, all);
    as_expected = all.as_expected;
    unexpected = all.unexpected;
  }
  // Each entry leads to a record of its object, and none has a later one: it is what a scan would give.
  if (as_expected != index.size() || unexpected != 0) {
    refuse(packed, "the new index is not what the new file holds");
  }
}

void verify_references(io::File& packed, const Selection& selection) {
  const Index& index = selection.graph.objects;
  const auto kept = [&](Oid oid) {
    if (!selection.reached.oids.contains(oid)) return false;
    const auto further = selection.further.find(oid);
    return further == selection.further.end() || further->second.only == 0;
  };
  // References lead anywhere, so the entries are asked for some time before they are looked at.
  std::array<DanglingReference, 64> waiting;
  std::size_t count = 0;
  const auto look = [&] {
    for (const DanglingReference& one : std::span(waiting).first(count)) {
      if (index.get(one.target) != 0 || selection.reached.absent.contains(one.target)) continue;
      refuse(packed, "object 0x" + base::to_hex(one.holder) + " would refer to 0x" +
                         base::to_hex(one.target) + ", which is missing in the new file");
    }
    count = 0;
  };
  selection.graph.nodes.for_each([&](Oid oid, const Node& node) {
    if (!kept(oid)) return;
    if (index.get(oid) == 0) {
      refuse(packed, "object 0x" + base::to_hex(oid) + " is missing in the new file");
    }
    node.for_each_reference(oid, [&](Oid target) {
      index.prefetch(target);
      waiting[count++] = {target, oid};
      if (count == waiting.size()) look();
    });
  });
  look();
}

}  // namespace filestorage
