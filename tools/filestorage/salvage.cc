#include "filestorage/salvage.h"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "filestorage/index.h"
#include "filestorage/pack_output.h"
#include "filestorage/record_walk.h"
#include "filestorage/salvage_read.h"
#include "filestorage/scan.h"
#include "io/atomic_file.h"
#include "pickle/scanner.h"
#include "pickle/values.h"

namespace filestorage {

namespace {

using base::Error;
using base::ErrorKind;

constexpr Tid kNoLimit = std::numeric_limits<Tid>::max();
constexpr std::uint64_t kProgressStep = 8 << 20;
constexpr std::uint64_t kLargestData = 256 << 20;

// What becomes of a record.
struct Fate {
  enum class What { pointer, data, dropped } what = What::dropped;
  std::uint64_t position = 0;  // pointer: in the new file; data: in the old one
  std::uint64_t length = 0;    // of the data
  bool as_it_was = false;      // it keeps its size

  std::uint64_t size() const {
    if (what == What::dropped) return 0;
    return kRecordHeaderSize + (what == What::data ? length : kBackPointerSize);
  }
};

class Salvage {
 public:
  Salvage(io::File& from, io::File* target, const SalvageOptions& options, const OnLoss& told)
      : size_(from.status().size),
        reader_(from, size_),
        in_(from, size_),
        far_(from, size_),
        output_(target),
        options_(options),
        told_(told) {}

  SalvageReport run() {
    copy_magic();
    std::uint64_t position = kMagicSize;
    while (position < size_) {
      if (options_.progress && position - reported_ >= kProgressStep) options_.progress(reported_ = position);
      std::string why;
      const auto found = reader_.at(position, why);
      if (found && (take(*found) || !found->records.empty())) {  // if not kept, it has been told
        position = found->end();
        continue;
      }
      const auto next = reader_.search(position + 1, report_.last_tid);
      const std::uint64_t end = next.value_or(size_);
      const auto cured = reader_.between(position, end);
      if (cured && tid_of(*cured) != 0) {
        mended(position, cured->header.tid, "the length of the transaction");
        take(*cured);
      } else {
        lose(Loss::What::bytes, position, end - position, found ? found->header.tid : 0,
             found ? "no transaction begins here" : why);
      }
      position = end;
    }
    output_.flush();
    report_.size = output_.position();
    return report_;
  }

 private:
  void copy_magic() {
    const std::byte* magic = in_.at(0, kMagicSize);
    if (magic == nullptr)
      throw Error(ErrorKind::corrupt, "salvage", in_.file().path(), "the file is too short");
    const std::string_view text = base::as_text({magic, kMagicSize});
    std::string kept(text);
    if (text != kMagicFs21 && text != kMagicFs30) {
      kept = first_protocol();
      mended(0, 0, "the file now begins with " + kept);
    }
    output_.append(base::as_bytes(kept));
  }

  // Without a magic the pickles tell who wrote them: a ZODB on Python 2 has strings of its kind in nearly
  // every one, and only later ones use protocol 3.
  std::string first_protocol() {
    constexpr int kEnough = 100;
    int seen = 0;
    bool protocol3 = false;
    std::uint64_t position = kMagicSize;
    while (seen < kEnough) {
      std::string why;
      auto found = reader_.at(position, why);
      if (!found || found->records.empty()) {
        const auto next = reader_.search(position + 1, 0);
        if (!next) break;
        position = *next;
        continue;
      }
      for (std::size_t i = 0; i < found->records.size() && seen < kEnough; ++i) {
        const WalkedRecord record = *walked_record_at(in_, found->records[i], found->end());
        if (record.header.data == 0 || record.header.data > kLargestData) continue;
        const base::ByteSpan data = in_.bytes(record.data_at(), record.header.data);
        if (has_python2_strings(data)) return std::string(kMagicFs21);
        protocol3 = protocol3 || (data[0] == std::byte{0x80} && data.size() > 1 && data[1] >= std::byte{3});
        ++seen;
      }
      position = found->end();
    }
    if (position == kMagicSize)
      throw Error(ErrorKind::corrupt, "salvage", in_.file().path(), "there is no transaction to be read");
    return std::string(protocol3 ? kMagicFs30 : kMagicFs21);
  }

  static bool has_python2_strings(base::ByteSpan data) {
    try {
      pickle::Values values(data);
      std::size_t at = 0;
      values.read(at);
      values.read(at);
      for (pickle::NodeId id = 0; id < values.size(); ++id) {
        if (values.node(id).kind == pickle::NodeKind::python2) return true;
      }
    } catch (const Error&) {
      // Damaged: the next record tells.
    }
    return false;
  }

  // False if it is not kept, which has been told if it has records.
  bool take(const ReadTransaction& found) {
    if (found.records.empty() && !is_plausible_empty(found)) return false;
    const char status = found.header.status;
    if (status == 'u') {
      ++report_.undone;
      return true;
    }
    if (status == 'c' && found.end() >= size_) {
      lose(Loss::What::transaction, found.position, found.end() - found.position, found.header.tid,
           "the transaction was never finished");
      return found.records.empty();
    }
    const Tid tid = tid_of(found);
    if (tid == 0) {
      lose(Loss::What::transaction, found.position, found.end() - found.position, found.header.tid,
           "the transaction is not later than the one before it");
      return found.records.empty();
    }
    if (tid != found.header.tid) mended(found.position, tid, "the tid of the transaction");
    if (tid == found.header.tid && !found.tids_agree) mended(found.position, tid, "the tid of a record");
    if (found.some_locations_wrong)
      mended(found.position, tid, "where a record says that its transaction is");
    if (found.origin != found.position)
      mended(found.position, tid, "the transaction stood at " + std::to_string(found.origin));
    const bool good = status == ' ' || status == 'p';
    if (!good) mended(found.position, tid, "the status of the transaction");
    for (const ReadTransaction::Gap& gap : found.gaps)
      lose(Loss::What::bytes, gap.position, gap.length, tid, gap.why);
    copy(found, tid, good ? status : ' ');
    return true;
  }

  // A length that fits twice is easily met by chance: it has to lead on.
  bool is_plausible_empty(const ReadTransaction& found) {
    const char status = found.header.status;
    if (status != ' ' && status != 'p' && status != 'u') return false;
    return found.end() == size_ || next_tid(found) != kNoLimit;
  }

  // Of the transaction behind, if it can be read.
  Tid next_tid(const ReadTransaction& found) {
    std::string why;
    const auto next = reader_.at(found.end(), why);
    return next && next->record_tid == next->header.tid && next->header.tid != 0 ? next->header.tid
                                                                                 : kNoLimit;
  }

  // The tid of the header or of the records, whichever rises; 0 if none does.
  Tid tid_of(const ReadTransaction& found) {
    const Tid header = found.header.tid, records = found.record_tid;
    if (header == records) return header > report_.last_tid ? header : 0;
    const Tid next = next_tid(found);
    const auto rises = [&](Tid tid) { return tid > report_.last_tid && tid < next; };
    if (rises(header) && rises(records)) return next == kNoLimit ? std::min(header, records) : header;
    return rises(header) ? header : rises(records) ? records : 0;
  }

  void copy(const ReadTransaction& found, Tid tid, char status) {
    const std::vector<Fate> fates = decide(found, tid);
    const std::uint64_t at = output_.position();
    TransactionHeader header = found.header;
    header.tid = tid;
    header.status = status;
    header.length = header.size();
    bool as_it_was = found.gaps.empty();
    for (const Fate& fate : fates) {
      header.length += fate.size();
      as_it_was = as_it_was && fate.as_it_was;
    }
    std::array<std::byte, kTransactionHeaderSize> bytes;
    store(bytes.data(), header);
    output_.append(bytes);
    output_.copy(in_, found.position + kTransactionHeaderSize, header.size() - kTransactionHeaderSize);
    if (as_it_was) place(found, at);

    std::vector<std::pair<Oid, std::uint64_t>> written;
    for (std::size_t i = 0; i < fates.size(); ++i) {
      if (fates[i].what == Fate::What::dropped) continue;
      const std::uint64_t position = found.records[i];
      const WalkedRecord record = *walked_record_at(in_, position, found.end());
      written.emplace_back(record.header.oid, output_.position());
      if (!as_it_was) places_[found.origin + (position - found.position)] = output_.position();
      write_record(record.header, fates[i], at, tid);
    }
    std::array<std::byte, kTrailerSize> trailer;
    base::store_be(trailer.data(), header.length);
    output_.append(trailer);
    for (const auto& [oid, place] : written) index_.set(oid, place);
    ++report_.transactions;
    report_.records += written.size();
    report_.last_tid = tid;
  }

  void write_record(RecordHeader header, const Fate& fate, std::uint64_t transaction, Tid tid) {
    header.tid = tid;
    header.previous = index_.get(header.oid);
    header.transaction = transaction;
    header.data = fate.what == Fate::What::data ? fate.length : 0;
    std::array<std::byte, kRecordHeaderSize + kBackPointerSize> bytes;
    store(bytes.data(), header);
    if (fate.what == Fate::What::data) {
      output_.append(std::span(bytes).first(kRecordHeaderSize));
      output_.copy(in_, fate.position, fate.length);
    } else {
      base::store_be(bytes.data() + kRecordHeaderSize, fate.position);
      output_.append(bytes);
    }
  }

  // Of each record.
  std::vector<Fate> decide(const ReadTransaction& found, Tid tid) {
    std::vector<Fate> fates;
    fates.reserve(found.records.size());
    for (const std::uint64_t position : found.records) {
      const WalkedRecord record = *walked_record_at(in_, position, found.end());
      if (record.header.data != 0) {
        fates.push_back({Fate::What::data, record.data_at(), record.header.data, true});
        continue;
      }
      fates.push_back(resolve(found, record));
      if (fates.back().what != Fate::What::dropped) continue;
      ++report_.records_lost;
      told_({Loss::What::record, record.position, kRecordHeaderSize + kBackPointerSize, tid,
             record.header.oid,
             "its back pointer to " + std::to_string(record.back) + " leads to nothing that could be read"});
    }
    return fates;
  }

  // Of a record without data.
  Fate resolve(const ReadTransaction& found, const WalkedRecord& record) {
    if (record.back == 0) return {Fate::What::pointer, 0, 0, true};
    if (record.back >= found.origin) return {};
    if (const std::uint64_t place = new_place(record.back);
        place != 0 && is_record_of(place, record.header.oid))
      return {Fate::What::pointer, place, 0, true};
    // In a transaction that was lost. The data may be good all the same, if nothing was displaced.
    const auto target = walked_record_at(far_, record.back, size_);
    if (!target || target->header.oid != record.header.oid || target->header.version != 0) return {};
    if (target->header.transaction >= target->position || target->header.data == 0 ||
        target->header.data > kLargestData)
      return {};
    try {
      scanner_.strong(far_.bytes(target->data_at(), target->header.data));
    } catch (const Error&) {
      return {};
    }
    return {Fate::What::data, target->data_at(), target->header.data, false};
  }

  // Transactions that were copied with their length, one behind the other, keep their distances.
  struct Stretch {
    std::uint64_t origin, place, length;
  };
  void place(const ReadTransaction& found, std::uint64_t at) {
    const std::uint64_t length = found.header.length + kTrailerSize;
    if (!stretches_.empty()) {
      Stretch& last = stretches_.back();
      if (last.origin + last.length == found.origin && last.place + last.length == at) {
        last.length += length;
        return;
      }
    }
    stretches_.push_back({found.origin, at, length});
  }
  // In the new file, of what stood there in the old one; 0 if it was not copied.
  std::uint64_t new_place(std::uint64_t origin) const {
    const auto single = places_.find(origin);
    if (single != places_.end()) return single->second;
    for (auto at = stretches_.rbegin(); at != stretches_.rend(); ++at) {
      if (origin >= at->origin && origin - at->origin < at->length) return at->place + (origin - at->origin);
    }
    return 0;
  }
  // Only a record of the object may be pointed to. In a dry run nothing can be read back, and the old file is
  // asked.
  bool is_record_of(std::uint64_t place, Oid oid) {
    if (place + kRecordHeaderSize > output_.position()) return false;
    if (options_.dry_run) return true;
    const base::ByteSpan bytes = output_.read(place, kRecordHeaderSize);
    if (bytes.size() != kRecordHeaderSize) return false;
    const RecordHeader header = load_record_header(bytes.data());
    return header.oid == oid && header.version == 0 && header.transaction < place;
  }

  void lose(Loss::What what, std::uint64_t position, std::uint64_t length, Tid tid, std::string text) {
    report_.bytes_lost += length;
    told_({what, position, length, tid, 0, std::move(text)});
  }
  void mended(std::uint64_t position, Tid tid, std::string text) {
    told_({Loss::What::mended, position, 0, tid, 0, "set right: " + std::move(text)});
  }

  std::uint64_t size_;
  TransactionReader reader_;
  ForwardReader in_, far_;
  PackOutput output_;
  const SalvageOptions& options_;
  const OnLoss& told_;
  SalvageReport report_;
  std::uint64_t reported_ = 0;
  Index index_;  // of the new file
  std::vector<Stretch> stretches_;
  std::unordered_map<std::uint64_t, std::uint64_t>
      places_;  // of records whose transactions changed their length
  pickle::Scanner scanner_;
};

}  // namespace

const char* to_string(Loss::What what) {
  switch (what) {
    case Loss::What::bytes: return "bytes";
    case Loss::What::transaction: return "transaction";
    case Loss::What::record: return "record";
    case Loss::What::mended: return "mended";
  }
  return "unknown";
}

SalvageReport salvage(io::File& from, io::Dir& to, const std::string& name, io::Env& env,
                      const SalvageOptions& options, const OnLoss& told) {
  if (to.status(name))
    throw Error(ErrorKind::exists, "salvage", to.path() + "/" + name, "the file is there already");
  const auto copied = [&](io::File* target) {
    const SalvageReport report = Salvage(from, target, options, told).run();
    if (report.transactions == 0)
      throw Error(ErrorKind::corrupt, "salvage", from.path(), "there is no transaction to be read");
    return report;
  };
  if (options.dry_run) return copied(nullptr);
  const io::FileStatus status = from.status();
  const std::uint64_t free = to.space().free;
  if (free < status.size) {
    throw Error(ErrorKind::no_space, "salvage", to.path() + "/" + name,
                "needs up to " + base::human_size(status.size) + ", but only " + base::human_size(free) +
                    " are free");
  }
  io::AtomicFile out(to, name, env);
  const SalvageReport report = copied(&out.file());
  Index positions;
  ScanOptions scan_options;
  scan_options.positions = &positions;
  const ScanResult written = scan(out.file(), scan_options);
  if (!written.findings.empty() || written.tail != Tail::clean || written.records != report.records ||
      written.transactions != report.transactions || written.size != report.size) {
    throw Error(ErrorKind::corrupt, "salvage", to.path() + "/" + name, "what was written is not whole");
  }
  out.seal(status.owner, status.mode);
  out.commit(io::Replace::no);
  return report;
}

}  // namespace filestorage
