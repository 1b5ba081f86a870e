#include "upgrade/lineage.h"

#include <algorithm>

#include "filestorage/scan.h"
#include "upgrade/fingerprint.h"

namespace upgrade {

namespace {

std::string count(std::uint64_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::string at(std::uint64_t position) {
  return "at byte " + std::to_string(position);
}

const filestorage::Finding* first_fatal(const filestorage::ScanResult& scan) {
  const auto found = std::find_if(scan.findings.begin(), scan.findings.end(),
                                  [](const filestorage::Finding& finding) { return finding.fatal; });
  return found == scan.findings.end() ? nullptr : &*found;
}

// The live file, read once.
struct Live {
  io::File& file;
  std::uint64_t size;  // of the whole file, torn tail included
  filestorage::ScanResult scan;
  filestorage::Index tids;
};

// All of the file, also what follows the last complete transaction: there may be whole ones behind a break.
Live read_live(io::File& file, const Fingerprint* before, const io::OnProgress& progress) {
  Live live{file, file.status().size, {}, {}};
  live.scan = scan_whole(file, live.size, before != nullptr ? before->size : 0, &live.tids, progress);
  return live;
}

bool starts_with_before(const Live& live, const Fingerprint& before) {
  if (live.scan.size < before.size || before.size == 0) return false;
  return live.scan.digests.front() == before.xxh128;
}

// The live bytes stand at the start of the file of before, and behind them stand at most zeros: the live file
// has nothing that the copy lacks.
bool is_part_of(io::File& before_file, const Fingerprint& before, const Live& live) {
  const std::uint64_t same = common_prefix(live.file, before_file, std::min(live.size, before.size));
  if (same == live.size) return live.size < before.size;
  return same < before.size && only_zeros(live.file, same);
}

void compare_objects(Judgement& judgement, io::File& before_file, const Fingerprint& before, const Live& live,
                     const io::OnProgress& progress) {
  filestorage::Index old_tids;
  filestorage::ScanOptions options;
  options.limit = before.size;
  options.tids = &old_tids;
  options.on_progress = progress;
  filestorage::scan(before_file, options);
  old_tids.for_each([&](base::Oid oid, base::Tid old_tid) {
    const base::Tid now = live.tids.get(oid);
    if (now == 0) {
      ++judgement.absent;
    } else if (now == old_tid) {
      ++judgement.kept;
    } else if (now > old_tid) {
      ++judgement.rewritten;
    } else {
      ++judgement.went_back;
    }
  });
}

void set(Judgement& judgement, Verdict verdict, std::string reason) {
  judgement.verdict = verdict;
  judgement.reason = std::move(reason);
}

// The live file shares records with the one of before: it is a later state of it, or a broken one.
void judge_relative(Judgement& judgement, const Fingerprint& before) {
  const std::uint64_t all = judgement.kept + judgement.rewritten + judgement.absent + judgement.went_back;
  const std::uint64_t there = judgement.kept + judgement.rewritten;
  const std::string share = std::to_string(there) + " of " + count(all, "object", "objects") + " still there";
  if (judgement.went_back > 0) {
    return set(judgement, Verdict::damaged,
               count(judgement.went_back, "object", "objects") + " went back to an older revision");
  }
  // A pack drops a last transaction that held garbage only, but a packed file that was cut looks the same: a
  // person looks.
  if (judgement.live.last_tid < before.last_tid) {
    return set(judgement, Verdict::damaged, "its last transaction is older than before; " + share);
  }
  // A pack that collects garbage leaves some of the records and nothing else. Garbage can have been nearly
  // all.
  const bool only_less = judgement.rewritten == 0 && judgement.live.objects == judgement.kept;
  if (!only_less && static_cast<double>(there) < kDescendantShare * static_cast<double>(all)) {
    return set(judgement, Verdict::foreign, "only " + share);
  }
  set(judgement, judgement.live.last_tid == before.last_tid ? Verdict::packed : Verdict::evolved, share);
}

void judge_stranger(Judgement& judgement, const Fingerprint& before, bool objects_compared) {
  const std::uint64_t common =
      objects_compared ? judgement.rewritten + judgement.went_back : judgement.live.objects;
  const bool younger = judgement.live.first_tid > before.last_tid;
  const bool few = static_cast<double>(common) <= kSmallShare * static_cast<double>(before.objects);
  std::string reason = count(judgement.live.transactions, "transaction", "transactions") +
                       (younger ? ", all younger than the database before, " : ", ") +
                       std::to_string(common) + " of " + count(before.objects, "object", "objects");
  set(judgement, younger && few ? Verdict::blank : Verdict::foreign, std::move(reason));
}

}  // namespace

Judgement judge(io::File* live_file, const Fingerprint* before, io::File* before_file,
                const io::OnProgress& progress) {
  Judgement judgement;
  if (live_file == nullptr) {
    set(judgement, Verdict::missing, "there is no such file");
    return judgement;
  }
  const Live live = read_live(*live_file, before, progress);
  judgement.live = fingerprint_of(live.scan, live_file->status());
  if (live.scan.end != live.size) judgement.live.xxh128.clear();
  const filestorage::Finding* fatal = first_fatal(live.scan);

  if (before != nullptr && starts_with_before(live, *before)) {
    if (fatal != nullptr) {
      set(judgement, Verdict::damaged, fatal->text + " " + at(fatal->position));
    } else if (live.scan.end == before->size) {
      set(judgement, Verdict::unchanged, count(live.scan.transactions, "transaction", "transactions"));
    } else {
      set(judgement, Verdict::grown,
          count(live.scan.transactions - before->transactions, "further transaction",
                "further transactions"));
    }
    return judgement;
  }
  if (live.size <= 4 || only_zeros(*live_file, 0)) {
    set(judgement, Verdict::blank,
        live.size == 0 ? "the file is empty" : "nothing but zero bytes or a magic");
    return judgement;
  }
  if (before != nullptr && before_file != nullptr && is_part_of(*before_file, *before, live)) {
    set(judgement, Verdict::truncated,
        "cut to " + std::to_string(live.scan.end) + " of " + count(before->size, "byte", "bytes"));
    return judgement;
  }
  if (fatal != nullptr) {
    set(judgement, Verdict::damaged, fatal->text + " " + at(fatal->position));
    return judgement;
  }
  if (holds_nothing(live.scan)) {
    set(judgement, Verdict::blank, live.scan.transactions == 0 ? "no transactions" : "only a root object");
    return judgement;
  }
  if (before == nullptr) {
    set(judgement, Verdict::sound, count(live.scan.transactions, "transaction", "transactions"));
    return judgement;
  }
  if (before_file != nullptr) {
    compare_objects(judgement, *before_file, *before, live, progress);
    if (judgement.kept > 0) {
      judge_relative(judgement, *before);
    } else {
      judge_stranger(judgement, *before, true);
    }
  } else if (live.scan.first_tid == before->first_tid && live.scan.last_tid >= before->last_tid) {
    set(judgement, live.scan.last_tid == before->last_tid ? Verdict::packed : Verdict::evolved,
        "begins with the same transaction");
  } else {
    judge_stranger(judgement, *before, false);
  }
  return judgement;
}

}  // namespace upgrade
