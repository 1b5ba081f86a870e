#include "filestorage/pack_select.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "filestorage/pack_walk.h"
#include "pickle/scanner.h"

namespace filestorage {

namespace {

constexpr std::uint64_t kPart = 4 << 20;  // of a file, for one thread at a time
constexpr std::size_t kDanglingNamed = 100;

// Cuts what is walked over into parts.
class Parts {
 public:
  explicit Parts(std::uint64_t from) : from_(from) {}
  // A transaction ends at `to`.
  void take(std::uint64_t to) {
    if (to - from_ >= kPart) cut(to);
  }
  std::vector<FilePart> finish(std::uint64_t to) {
    if (to > from_) cut(to);
    return std::move(parts_);
  }

 private:
  void cut(std::uint64_t to) {
    parts_.push_back({from_, to});
    from_ = to;
  }
  std::uint64_t from_;
  std::vector<FilePart> parts_;
};

// The first pass: up to the pack time.
class Survey {
 public:
  Survey(const PackOptions& options, Index& objects)
      : stop_(options.stop), flaws_(options.flaws), objects_(objects), progress_(options.on_progress) {}

  bool transaction(std::uint64_t, const TransactionHeader& header) {
    if (header.tid > stop_) return false;
    unpacked_ = unpacked_ || header.status != 'p';
    counts_ = header.status != 'u';
    deletions_count_ = deletions_count(header, flaws_);
    overhead_ += header.size() + kTrailerSize;
    return true;
  }
  void record(const PackRecord& record) {
    any_ = any_ || counts_;
    if (!record.deletes()) {
      objects_.set(record.header.oid, record.position);
    } else if (deletions_count_) {
      objects_.erase(record.header.oid);
    }
  }
  void end(std::uint64_t trailer, const TransactionHeader& header) {
    last_status_ = header.status;
    parts_.take(trailer + kTrailerSize);
    progress_.at(trailer);
  }

  Parts& parts() { return parts_; }
  bool unpacked() const { return unpacked_; }
  bool any() const { return any_; }
  char last_status() const { return last_status_; }
  std::uint64_t overhead() const { return overhead_; }

 private:
  Tid stop_;
  PackFlaws flaws_;
  Index& objects_;
  Parts parts_{kMagicSize};
  bool unpacked_ = false;
  bool counts_ = true;           // the transaction under way
  bool deletions_count_ = true;  // in it
  bool any_ = false;             // records that an index has
  char last_status_ = ' ';
  std::uint64_t overhead_ = 0;  // of transactions, without their records
  ProgressSteps progress_;
};

// The pass over what is behind the pack time.
class Aftermath {
 public:
  Aftermath(io::File& file, const PackOptions& options, Selection& selection)
      : file_(file),
        options_(options),
        selection_(selection),
        far_(file, selection.end),
        progress_(options.on_progress) {}

  void run(Tid last_tid) {
    in_.emplace(file_, selection_.end);
    walk_transactions(*in_, selection_.packpos, last_tid, *this);
    if (!selection_.collected_garbage) return;
    follow_undone();
    if (mends()) rescue();
  }

  bool transaction(std::uint64_t, const TransactionHeader& header) {
    counts_ = header.status != 'u';
    return true;
  }
  void record(const PackRecord& record) {
    const Oid oid = record.header.oid;
    if (record.back != 0 && record.back < selection_.packpos) keep_for_undo(oid, record.back);
    if (!mends()) return;
    if (counts_ && selection_.collected_garbage) {
      after_.objects.set(oid, record.position);
      note_candidates(record);
    }
  }
  void end(std::uint64_t trailer, const TransactionHeader&) {
    parts_.take(trailer + kTrailerSize);
    progress_.at((selection_.collected_garbage ? selection_.packpos : 0) + trailer);
  }

 private:
  bool mends() const { return options_.flaws == PackFlaws::mended; }

  void keep_for_undo(Oid oid, std::uint64_t target) {
    if (!selection_.collected_garbage) {
      if (mends() && !stands_in(oid, target)) selection_.further[oid].more.insert(target);
    } else if (selection_.reached.oids.insert(oid)) {
      selection_.further[oid].only = target;
    } else if (selection_.further[oid].more.insert(target).second) {
      undone_.emplace_back(oid, target);
    }
  }

  // Without garbage collection the object's record of the pack time will do if it is the target, or was
  // written by the same transaction with the same data.
  bool stands_in(Oid oid, std::uint64_t target) {
    const auto known = stands_in_.find(target);
    if (known != stands_in_.end()) return known->second;
    return stands_in_[target] = is_same_data(oid, target);
  }
  bool is_same_data(Oid oid, std::uint64_t target) {
    const std::uint64_t current = selection_.graph.objects.get(oid);
    if (current == 0 || current == target) return current == target;
    const PackRecord kept = record_at(far_, current);
    const PackRecord wanted = record_at(far_, target);
    if (kept.header.tid != wanted.header.tid) return false;
    const DataPlace a = data_of(far_, kept), b = data_of(far_, wanted);
    if (a.length != b.length) return false;
    const base::ByteSpan first = far_.bytes(a.position, a.length);
    const std::vector<std::byte> copy(first.begin(), first.end());
    const base::ByteSpan second = far_.bytes(b.position, b.length);
    return std::equal(copy.begin(), copy.end(), second.begin(), second.end());
  }

  // References of the record's data; as far as they can be read.
  std::span<const Oid> references(const PackRecord& record, Faults faults) {
    const DataPlace place = data_of(far_, record);
    if (place.length == 0) return {};
    const base::ByteSpan data =
        (record.header.data != 0 && in_ ? *in_ : far_).bytes(place.position, place.length);
    try {
      return scanner_.strong(data);
    } catch (const base::Error& error) {
      if (faults == Faults::matter) throw_damaged(file_, record.position, error.what());
      return scanner_.found();
    }
  }

  // An object of the pack time that is not kept so far, and that something later refers to.
  bool is_lost(Oid oid) const {
    return selection_.graph.objects.get(oid) != 0 && !selection_.reached.oids.contains(oid);
  }
  void note_candidates(const PackRecord& record) {
    if (record.back != 0 && !looked_at_.insert(data_of(far_, record).position).second) return;
    for (const Oid target : references(record, Faults::ignored)) {
      if (is_lost(target)) candidates_.insert(target);
    }
  }

  void follow_undone() {
    in_.reset();
    for (const auto& [oid, position] : undone_) {
      const auto found = references(record_at(far_, position), Faults::matter);
      const std::vector<Oid> roots(found.begin(), found.end());
      reach(file_, selection_.graph, roots, Faults::matter, selection_.reached);
      for (const Oid target : roots) {
        if (selection_.reached.dangling.contains(target)) holders_.push_back({target, oid});
      }
    }
    selection_.dangling = std::move(holders_);
  }

  // Only if there is a candidate, one of them may be reachable in the end: something written later has to
  // refer to it, or to what leads to it.
  void rescue() {
    bool any = false;
    candidates_.for_each([&](Oid oid) { any = any || (is_lost(oid) && after_.objects.get(oid) == 0); });
    if (!any) return;
    gather_references(file_, parts_.finish(selection_.end), options_.threads, after_, {});
    OidBits seen;
    std::vector<Oid> stack = {0};
    seen.insert(0);
    while (!stack.empty()) {
      const Oid oid = stack.back();
      stack.pop_back();
      std::optional<Node> node = after_.node(oid);
      if (!node) {
        node = selection_.graph.node(oid);
        if (!node) continue;
        if (!selection_.reached.oids.contains(oid)) selection_.rescued.push_back(oid);
      }
      node->for_each_reference(oid, [&](Oid target) {
        if (seen.insert(target)) stack.push_back(target);
      });
    }
    reach(file_, selection_.graph, selection_.rescued, Faults::ignored, selection_.reached);
  }

  io::File& file_;
  const PackOptions& options_;
  Selection& selection_;
  std::optional<ForwardReader> in_;
  FarReader far_;
  pickle::Scanner scanner_;
  Parts parts_{selection_.packpos};
  bool counts_ = true;  // the transaction under way
  Graph after_;         // the objects written behind the pack time, by their last records
  OidBits candidates_;
  // What many undos may lead to is looked at once: data whose references are noted, and targets that the
  // object's record of the pack time stands in for.
  std::unordered_set<std::uint64_t> looked_at_;
  std::unordered_map<std::uint64_t, bool> stands_in_;
  std::vector<std::pair<Oid, std::uint64_t>> undone_;  // records whose references are to be followed
  std::vector<DanglingReference> holders_;
  ProgressSteps progress_;
};

// A database where no record counts has no index entries, and ZODB's pack leaves it alone.
struct AnyRecord {
  bool counts = true, any = false;
  bool transaction(std::uint64_t, const TransactionHeader& header) {
    counts = header.status != 'u';
    return !any;
  }
  void record(const PackRecord&) { any = any || counts; }
  void end(std::uint64_t, const TransactionHeader&) {}
};

bool has_records_behind(io::File& file, std::uint64_t from, std::uint64_t end, Tid last_tid) {
  ForwardReader in(file, end);
  AnyRecord any;
  walk_transactions(in, from, last_tid, any);
  return any.any;
}

// The status of the transaction at packpos, or if there is none, of the last one, tells whether the file was
// packed to there before.
bool is_redundant(io::File& file, const Survey& survey, const Selection& selection) {
  if (survey.unpacked()) return false;
  if (selection.packpos == selection.end) return survey.last_status() == 'p';
  ForwardReader in(file, selection.end);
  return checked_transaction(in, selection.packpos).status == 'p';
}

std::uint64_t bytes_of_further(io::File& file, const Selection& selection) {
  FarReader in(file, selection.end);
  std::uint64_t bytes = 0;
  const auto add = [&](std::uint64_t position) {
    if (position == 0) return;
    bytes += kRecordHeaderSize + std::max(kBackPointerSize, data_of(in, record_at(in, position)).length);
  };
  for (const auto& [oid, kept] : selection.further) {
    add(kept.only);
    for (const std::uint64_t position : kept.more) add(position);
  }
  return bytes;
}

void name_dangling(Selection& selection) {
  selection.dangling_objects = selection.reached.dangling.size();
  if (selection.dangling_objects == 0) return;
  for (const DanglingReference& one : find_dangling(selection.graph, selection.reached, kDanglingNamed)) {
    const auto told = [&](const DanglingReference& other) { return other.target == one.target; };
    if (std::none_of(selection.dangling.begin(), selection.dangling.end(), told)) {
      selection.dangling.push_back(one);
    }
  }
  if (selection.reached.dangling.contains(0)) selection.dangling.push_back({0, 0});
  std::sort(selection.dangling.begin(), selection.dangling.end(),
            [](const auto& a, const auto& b) { return a.target < b.target; });
  if (selection.dangling.size() > kDanglingNamed) selection.dangling.resize(kDanglingNamed);
}

}  // namespace

bool Selection::keeps(Oid oid, std::uint64_t position) const {
  const Further* kept = nullptr;
  if (!further.empty()) {
    const auto found = further.find(oid);
    if (found != further.end()) {
      kept = &found->second;
      if (kept->only == position || kept->more.count(position) != 0) return true;
      if (kept->only != 0) return false;
    }
  }
  const std::uint64_t entry = graph.objects.get(oid);
  if (!is_node(entry)) return entry == position && !collected_garbage;
  return graph.nodes.at(entry & ~kNodeMark).position == position && reached.oids.contains(oid);
}

std::uint64_t Selection::kept_at(Oid oid) const {
  const auto found = further.find(oid);
  if (found != further.end() && found->second.only != 0) return found->second.only;
  const std::uint64_t entry = graph.objects.get(oid);
  if (!is_node(entry)) return collected_garbage ? 0 : entry;
  return reached.oids.contains(oid) ? graph.nodes.at(entry & ~kNodeMark).position : 0;
}

bool Selection::keeps_object(Oid oid) const {
  return kept_at(oid) != 0;
}

Selection select_records(io::File& file, std::uint64_t end, const PackOptions& options) {
  Selection selection;
  selection.end = end;
  selection.collected_garbage = options.collect_garbage;
  Tid last_tid = 0;
  Survey survey(options, selection.graph.objects);
  {
    ForwardReader in(file, end);
    selection.packpos = walk_transactions(in, kMagicSize, last_tid, survey);
  }
  if (options.on_progress) options.on_progress(selection.packpos);
  if (!survey.any() && !has_records_behind(file, selection.packpos, end, last_tid)) {
    selection.outcome = Selection::Outcome::empty;
    return selection;
  }
  if (is_redundant(file, survey, selection)) {
    selection.outcome = Selection::Outcome::redundant;
    return selection;
  }
  if (options.collect_garbage) {
    const auto progress = [&](std::uint64_t done) {
      if (options.on_progress) options.on_progress(selection.packpos + done);
    };
    gather_references(file, survey.parts().finish(selection.packpos), options.threads, selection.graph,
                      progress);
    const Oid root = 0;
    reach(file, selection.graph, {&root, 1}, Faults::matter, selection.reached);
    if (!selection.reached.dangling.empty() && !options.allow_dangling) {
      name_dangling(selection);
      return selection;
    }
  }
  Aftermath(file, options, selection).run(last_tid);
  name_dangling(selection);
  if (options.collect_garbage) {
    selection.size_bound = kMagicSize + survey.overhead() + selection.reached.bytes +
                           bytes_of_further(file, selection) + (end - selection.packpos);
  }
  return selection;
}

}  // namespace filestorage
