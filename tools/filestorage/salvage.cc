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

namespace filestorage {

namespace {

using base::Error;
using base::ErrorKind;

constexpr Tid kNoLimit = std::numeric_limits<Tid>::max();
constexpr std::uint64_t kProgressStep = 8 << 20;
constexpr std::uint64_t kLargestData = 256 << 20;

// What becomes of a record without data of its own.
struct Undo {
  enum class What { pointer, data, dropped } what = What::dropped;
  std::uint64_t position = 0;  // pointer: in the new file; data: in the old one
  std::uint64_t length = 0;    // of the data
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
      if (found && take(*found)) {
        position = found->end();
        continue;
      }
      if (found && found->records != 0) {  // whole, and told by take()
        position = found->end();
        continue;
      }
      const auto next = reader_.search(position + 1, report_.last_tid);
      const std::uint64_t end = next ? next->position : size_;
      if (!found) lose(Loss::What::bytes, position, end - position, 0, why);
      if (found)
        lose(Loss::What::bytes, position, end - position, found->header.tid, "no transaction begins here");
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

  // Without a magic the first pickle tells who wrote it: only a ZODB on Python 3 pickles bytes as such.
  std::string first_protocol() {
    std::string why;
    auto found = reader_.at(kMagicSize, why);
    if (!found || found->records == 0) found = reader_.search(kMagicSize, 0);
    if (!found)
      throw Error(ErrorKind::corrupt, "salvage", in_.file().path(), "there is no transaction to be read");
    const std::uint64_t data = found->position + found->header.size() + kRecordHeaderSize;
    const std::byte* bytes = in_.at(data, 2);
    const bool protocol3 = bytes != nullptr && bytes[0] == std::byte{0x80} && bytes[1] >= std::byte{3};
    return std::string(protocol3 ? kMagicFs30 : kMagicFs21);
  }

  // False if it is not kept, which has been told if it has records.
  bool take(const ReadTransaction& found) {
    if (found.records == 0 && !is_plausible_empty(found)) return false;
    const char status = found.header.status;
    if (status == 'u') {
      ++report_.undone;
      return true;
    }
    if (status == 'c' && found.end() >= size_) {
      lose(Loss::What::transaction, found.position, found.end() - found.position, found.header.tid,
           "the transaction was never finished");
      return found.records == 0;
    }
    const Tid tid = tid_of(found);
    if (tid == 0) {
      lose(Loss::What::transaction, found.position, found.end() - found.position, found.header.tid,
           "the transaction is not later than the one before it");
      return found.records == 0;
    }
    if (tid != found.header.tid) mended(found.position, tid, "the tid of the transaction");
    if (tid == found.header.tid && !found.tids_agree) mended(found.position, tid, "the tid of a record");
    if (found.some_locations_wrong)
      mended(found.position, tid, "where a record says that its transaction is");
    if (found.origin != found.position)
      mended(found.position, tid, "the transaction stood at " + std::to_string(found.origin));
    const bool good = status == ' ' || status == 'p';
    if (!good) mended(found.position, tid, "the status of the transaction");
    if (!found.cut.empty()) {
      lose(Loss::What::bytes, found.records_end, found.position + found.header.length - found.records_end,
           tid, "the transaction's end: " + found.cut);
    }
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
    std::uint64_t length = 0;
    const std::vector<Undo> undos = resolve(found, tid, length);
    const std::uint64_t at = output_.position();
    TransactionHeader header = found.header;
    header.tid = tid;
    header.status = status;
    header.length = length;
    std::array<std::byte, kTransactionHeaderSize> bytes;
    store(bytes.data(), header);
    output_.append(bytes);
    output_.copy(in_, found.position + kTransactionHeaderSize, header.size() - kTransactionHeaderSize);
    if (length == found.header.length) place(found, at);

    std::vector<std::pair<Oid, std::uint64_t>> written;
    std::size_t undo = 0;
    const std::uint64_t end = found.records_end;
    for (std::uint64_t position = found.position + found.header.size(); position < end;) {
      const WalkedRecord record = *walked_record_at(in_, position, end);
      position += kRecordHeaderSize + record.header.payload();
      const bool own = record.header.data != 0;
      const Undo what = own ? Undo{Undo::What::data, record.data_at(), record.header.data} : undos[undo++];
      if (what.what == Undo::What::dropped) continue;
      written.emplace_back(record.header.oid, output_.position());
      if (length != found.header.length)
        places_[found.origin + (record.position - found.position)] = output_.position();
      write_record(record.header, what, at, tid);
    }
    std::array<std::byte, kTrailerSize> trailer;
    base::store_be(trailer.data(), length);
    output_.append(trailer);
    for (const auto& [oid, place] : written) index_.set(oid, place);
    ++report_.transactions;
    report_.records += written.size();
    report_.last_tid = tid;
  }

  void write_record(RecordHeader header, const Undo& what, std::uint64_t transaction, Tid tid) {
    header.tid = tid;
    header.previous = index_.get(header.oid);
    header.transaction = transaction;
    header.data = what.what == Undo::What::data ? what.length : 0;
    std::array<std::byte, kRecordHeaderSize + kBackPointerSize> bytes;
    store(bytes.data(), header);
    if (what.what == Undo::What::data) {
      output_.append(std::span(bytes).first(kRecordHeaderSize));
      output_.copy(in_, what.position, what.length);
    } else {
      base::store_be(bytes.data() + kRecordHeaderSize, what.position);
      output_.append(bytes);
    }
  }

  // Decides about the records without data. `length` is that of the transaction as it will be written.
  std::vector<Undo> resolve(const ReadTransaction& found, Tid tid, std::uint64_t& length) {
    std::vector<Undo> undos;
    length = found.header.size();
    const std::uint64_t end = found.records_end;
    for (std::uint64_t position = found.position + found.header.size(); position < end;) {
      const WalkedRecord record = *walked_record_at(in_, position, end);
      position += kRecordHeaderSize + record.header.payload();
      if (record.header.data != 0) {
        length += kRecordHeaderSize + record.header.data;
        continue;
      }
      const Undo undo = resolve(found, record);
      undos.push_back(undo);
      if (undo.what == Undo::What::dropped) {
        ++report_.records_lost;
        Loss loss{Loss::What::record,
                  record.position,
                  kRecordHeaderSize + kBackPointerSize,
                  tid,
                  record.header.oid,
                  {}};
        loss.text =
            "its back pointer to " + std::to_string(record.back) + " leads to nothing that could be read";
        told_(loss);
      } else {
        length += kRecordHeaderSize + (undo.what == Undo::What::data ? undo.length : kBackPointerSize);
      }
    }
    return undos;
  }

  Undo resolve(const ReadTransaction& found, const WalkedRecord& record) {
    if (record.back == 0) return {Undo::What::pointer, 0, 0};
    if (record.back >= found.origin) return {};
    if (const std::uint64_t place = new_place(record.back);
        place != 0 && is_record_of(place, record.header.oid))
      return {Undo::What::pointer, place, 0};
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
    return {Undo::What::data, target->data_at(), target->header.data};
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
  if (options.dry_run) return Salvage(from, nullptr, options, told).run();
  const io::FileStatus status = from.status();
  const std::uint64_t free = to.space().free;
  if (free < status.size) {
    throw Error(ErrorKind::no_space, "salvage", to.path() + "/" + name,
                "needs up to " + base::human_size(status.size) + ", but only " + base::human_size(free) +
                    " are free");
  }
  io::AtomicFile out(to, name, env);
  const SalvageReport report = Salvage(from, &out.file(), options, told).run();
  if (report.transactions == 0)
    throw Error(ErrorKind::corrupt, "salvage", from.path(), "there is no transaction to be read");
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
