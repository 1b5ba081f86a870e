#include "filestorage/pack_verify.h"

#include <array>
#include <span>
#include <string>

#include "base/error.h"
#include "filestorage/pack_walk.h"
#include "filestorage/scan.h"

namespace filestorage {

namespace {

[[noreturn]] void refuse(io::File& packed, const std::string& what) {
  throw base::Error(base::ErrorKind::corrupt, "verify", packed.path(), what)
      .with_hint("the old file was left as it is; nothing was packed");
}

// A scan leaves out transactions of status 'u'; the index of a pack has their records.
struct AllRecords {
  Index& positions;
  bool transaction(std::uint64_t, const TransactionHeader&) { return true; }
  void record(const PackRecord& record) { positions.set(record.header.oid, record.position); }
  void end(std::uint64_t, const TransactionHeader&) {}
};

}  // namespace

void verify_packed(io::File& packed, std::uint64_t length, const Index& index) {
  Index rebuilt;
  ScanOptions options;
  options.positions = &rebuilt;
  const ScanResult result = scan(packed, options);
  for (const Finding& finding : result.findings) {
    if (finding.fatal || finding.fault == Fault::back_pointer) {
      refuse(packed,
             "the new file is not sound: " + finding.text + ", at " + std::to_string(finding.position));
    }
  }
  if (result.tail != Tail::clean || result.end != length || result.size != length) {
    refuse(packed,
           "the new file ends at " + std::to_string(result.end) + ", not at " + std::to_string(length));
  }
  if (result.undone != 0) {
    ForwardReader in(packed, length);
    Tid last_tid = 0;
    AllRecords all{rebuilt};
    walk_transactions(in, kMagicSize, last_tid, all);
  }
  bool equal = rebuilt.size() == index.size();
  if (equal) rebuilt.for_each([&](Oid oid, std::uint64_t at) { equal = equal && index.get(oid) == at; });
  if (!equal) refuse(packed, "the new index is not what the new file holds");
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
