#include "filestorage/check_references.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/error.h"
#include "filestorage/lost_tail.h"
#include "filestorage/oid_text.h"
#include "filestorage/record_walk.h"
#include "pickle/record_class.h"
#include "pickle/scanner.h"

namespace filestorage {

namespace {

constexpr std::uint64_t kWorthTwoThreads = 16 << 20;
constexpr std::uint64_t kLargestData = 256 << 20;  // ZODB warns of records over 16 MB
constexpr std::uint64_t kProgressStep = 8 << 20;
constexpr std::size_t kMostWaiting = 10'000;

// Two threads go over two parts of the file, and the problems of the second part are told behind those of the
// first. So the second thread keeps its own until the first has come to the end of its part, a limited number
// of them.
class SecondPart {
 public:
  explicit SecondPart(const OnProblem& told) : told_(told) {}

  // By the second thread.
  void tell(Problem problem) {
    std::unique_lock lock(mutex_);
    if (!turn_ && waiting_.size() >= kMostWaiting) changed_.wait(lock, [this] { return turn_ || void_; });
    if (void_) return;
    if (!turn_) {
      waiting_.push_back(std::move(problem));
      return;
    }
    flush();
    told_(problem);
  }
  bool is_void() const { return void_; }

  // By the first thread: its part ends where the second begins.
  void give_turn() {
    const std::lock_guard lock(mutex_);
    turn_ = true;
    changed_.notify_all();
  }
  // By the first thread: no transaction begins where the second part was thought to begin.
  void make_void() {
    const std::lock_guard lock(mutex_);
    void_ = true;
    changed_.notify_all();
  }
  // When both have ended.
  void finish() {
    const std::lock_guard lock(mutex_);
    if (!void_) flush();
  }

 private:
  void flush() {
    for (const Problem& problem : waiting_) told_(problem);
    waiting_.clear();
  }

  const OnProblem& told_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Problem> waiting_;
  bool turn_ = false;
  std::atomic<bool> void_ = false;
};

// One thread's share.
class Reader {
 public:
  Reader(io::File& file, const Index& positions, const Dead& dead, const ScanResult& structure,
         bool all_revisions, OnProblem tell)
      : in_(file, structure.end),
        far_(file, structure.end),
        breaks_(structure.breaks),
        positions_(positions),
        dead_(dead),
        any_dead_(!dead.undone.empty() || !dead.unreadable.empty()),
        all_revisions_(all_revisions),
        tell_(std::move(tell)) {}

  template <typename Stop>
  std::uint64_t run(std::uint64_t from, Stop stop) {
    return walk_records(in_, from, breaks_, stop, [this](const WalkedRecord& record) { take(record); });
  }
  const ReferenceCounts& counts() const { return counts_; }

 private:
  void take(const WalkedRecord& record) {
    const bool current = positions_.get(record.header.oid) == record.position;
    if (!current && (!all_revisions_ || record.header.data == 0)) return;
    FoundData found{FoundData::What::data, record.data_at(), record.header.data};
    if (record.header.data == 0) {
      found = find_data(far_, record);
      if (found.what == FoundData::What::broken) {
        tell(ProblemKind::unreadable, record, {}, "the object's newest record leads to no data");
      }
      if (found.what != FoundData::What::data) return;
    }
    if (found.length > kLargestData) {
      return tell(ProblemKind::bad_pickle, record, {},
                  "the record has " + std::to_string(found.length) + " bytes, too many to be read");
    }
    const base::ByteSpan data = (record.header.data != 0 ? in_ : far_).bytes(found.position, found.length);
    if (data.empty()) return;
    ++counts_.records;
    read(record, data);
  }

  void read(const WalkedRecord& record, base::ByteSpan data) {
    try {
      scanner_.strong(data);
    } catch (const base::Error& error) {
      tell(ProblemKind::bad_pickle, record, data, error.reason());
    }
    counts_.references += scanner_.found().size();
    bad_.clear();
    for (const Oid target : scanner_.found()) {
      if (positions_.get(target) == 0 || (any_dead_ && is_dead(target))) bad_.push_back(target);
    }
    if (bad_.empty()) return;
    std::sort(bad_.begin(), bad_.end());
    bad_.erase(std::unique(bad_.begin(), bad_.end()), bad_.end());
    for (const Oid target : bad_) tell_dangling(record, data, target);
  }

  bool is_dead(Oid oid) const { return dead_.undone.contains(oid) || dead_.unreadable.contains(oid); }

  void tell_dangling(const WalkedRecord& record, base::ByteSpan data, Oid target) {
    const std::string refers = "refers to " + oid_text(target) + ", ";
    if (dead_.undone.contains(target)) {
      tell(ProblemKind::dangling_undone, record, data,
           refers + "whose creation was undone or which was deleted", target);
    } else if (dead_.unreadable.contains(target)) {
      tell(ProblemKind::dangling_unreadable, record, data, refers + "whose newest record leads to no data",
           target);
    } else {
      tell(ProblemKind::dangling_missing, record, data, refers + "which does not exist", target);
    }
  }

  void tell(ProblemKind kind, const WalkedRecord& record, base::ByteSpan data, std::string text,
            Oid target = 0) {
    Problem problem;
    problem.kind = kind;
    problem.position = record.position;
    problem.tid = record.header.tid;
    problem.has_oid = true;
    problem.oid = record.header.oid;
    problem.class_name = class_name(record, data);
    problem.target = target;
    problem.text = std::move(text);
    tell_(problem);
  }

  // Kept for the record's next problem: a damaged one can have many.
  std::string class_name(const WalkedRecord& record, base::ByteSpan data) {
    if (named_ == record.position) return name_;
    named_ = record.position;
    name_.clear();
    try {
      if (const auto found = pickle::class_of(data)) name_ = found->full_name();
    } catch (const base::Error&) {
      // Its class pickle is what is wrong with it.
    }
    return name_;
  }

  ForwardReader in_, far_;  // far_ follows back pointers
  std::span<const Break> breaks_;
  const Index& positions_;
  const Dead& dead_;
  bool any_dead_, all_revisions_;
  OnProblem tell_;
  pickle::Scanner scanner_;
  ReferenceCounts counts_;
  std::vector<Oid> bad_;
  std::uint64_t named_ = 0;
  std::string name_;
};

// Tells the bytes that both threads have done.
class SharedProgress {
 public:
  explicit SharedProgress(const io::OnProgress& progress) : progress_(progress) {}
  void first(std::uint64_t bytes) {
    if (!progress_ || bytes - reported_ < kProgressStep) return;
    reported_ = bytes;
    progress_(bytes + second_);
  }
  void second(std::uint64_t bytes) { second_ = bytes; }

 private:
  const io::OnProgress& progress_;
  std::uint64_t reported_ = 0;
  std::atomic<std::uint64_t> second_ = 0;
};

// Somewhere about the middle, a transaction as far as can be told from its own bytes; 0 if one thread is
// enough.
std::uint64_t middle(io::File& file, std::uint64_t end, unsigned threads) {
  if (threads < 2 || end < kWorthTwoThreads) return 0;
  return find_lost_tail(file, end / 2, end).transaction.value_or(0);
}

}  // namespace

Dead find_dead(io::File& file, const Index& positions, const std::vector<std::uint64_t>& without_data,
               std::uint64_t end) {
  Dead dead;
  ForwardReader in(file, end), far(file, end);
  for (const std::uint64_t position : without_data) {
    const std::optional<WalkedRecord> record = walked_record_at(in, position, end);
    if (!record || positions.get(record->header.oid) != position) continue;
    const FoundData found = find_data(far, *record);
    if (found.what == FoundData::What::nothing) dead.undone.insert(record->header.oid);
    if (found.what == FoundData::What::broken) dead.unreadable.insert(record->header.oid);
  }
  return dead;
}

ReferenceCounts check_references(io::File& file, const Index& positions, const Dead& dead,
                                 const ScanResult& structure, const CheckOptions& options,
                                 const OnProblem& told, const io::OnProgress& progress) {
  SharedProgress shared(progress);
  Reader first(file, positions, dead, structure, options.all_revisions, told);
  const std::uint64_t boundary = middle(file, structure.end, options.threads);
  if (boundary == 0) {
    first.run(kMagicSize, [&](std::uint64_t position) {
      shared.first(position);
      return false;
    });
    return first.counts();
  }

  SecondPart part(told);
  Reader second(file, positions, dead, structure, options.all_revisions,
                [&part](const Problem& problem) { part.tell(problem); });
  std::exception_ptr first_failed, second_failed;
  std::thread helper([&] {
    try {
      second.run(boundary, [&](std::uint64_t position) {
        shared.second(position - boundary);
        return part.is_void();
      });
    } catch (...) {  // handed to the calling thread below
      second_failed = std::current_exception();
    }
  });
  bool met = false;
  try {
    first.run(kMagicSize, [&](std::uint64_t position) {
      shared.first(position);
      if (position == boundary) met = true;
      if (position > boundary) part.make_void();
      return met;
    });
  } catch (...) {  // the other thread has to end first
    first_failed = std::current_exception();
  }
  if (met && !first_failed) {
    part.give_turn();
  } else {
    part.make_void();
  }
  helper.join();
  if (first_failed) std::rethrow_exception(first_failed);
  if (!met) return first.counts();
  if (second_failed) std::rethrow_exception(second_failed);
  part.finish();
  return {first.counts().records + second.counts().records,
          first.counts().references + second.counts().references};
}

}  // namespace filestorage
