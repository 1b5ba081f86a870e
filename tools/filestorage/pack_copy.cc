#include "filestorage/pack_copy.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <utility>

namespace filestorage {

namespace {

constexpr std::uint64_t kPiece = 64 * 1024;  // of data that is compared

class Packed {
 public:
  Packed(io::File& source, Selection& selection, PackOutput& output, const OnDropped& dropped,
         const io::OnProgress& progress)
      : in_(source, selection.packpos),
        far_(source, selection.packpos),
        selection_(selection),
        output_(output),
        dropped_(dropped),
        progress_(progress) {}

  PackCounts run() {
    output_.append(in_.bytes(0, kMagicSize));
    Tid last_tid = 0;
    walk_transactions(in_, kMagicSize, last_tid, *this);
    finish_index();
    return counts_;
  }

  bool transaction(std::uint64_t position, const TransactionHeader& header) {
    position_ = position;
    size_ = header.size();
    begun_ = 0;
    return true;
  }

  void record(const PackRecord& record) {
    if (!selection_.keeps(record.header.oid, record.position)) {
      ++counts_.records_dropped;
      if (dropped_) dropped_(record, far_);
      return;
    }
    ++counts_.records_kept;
    if (begun_ == 0) begin();
    place(record.header.oid, record.position);
    write(record);
  }

  void end(std::uint64_t trailer, const TransactionHeader&) {
    if (begun_ == 0) {
      ++counts_.transactions_dropped;
    } else {
      ++counts_.transactions_kept;
      std::array<std::byte, kTrailerSize> length;
      base::store_be(length.data(), output_.position() - begun_);
      output_.patch(begun_ + 8, length);
      output_.append(length);
    }
    progress_.at(trailer);
  }

 private:
  void begin() {
    const base::ByteSpan head = in_.bytes(position_, size_);
    if (head.empty()) throw_damaged(in_.file(), position_, "the transaction is cut short");
    begun_ = output_.position();
    output_.append(head);
    const std::array<std::byte, 1> packed = {static_cast<std::byte>('p')};
    output_.patch(begun_ + 16, packed);
  }

  // Where the object stands in the new file: at the last of its kept records.
  void place(Oid oid, std::uint64_t position) {
    Index& objects = selection_.graph.objects;
    const std::uint64_t entry = objects.get(oid);
    const bool current = is_node(entry) ? selection_.graph.nodes.at(entry & ~kNodeMark).position == position
                                        : entry == position;
    if (current) {
      objects.replace(oid, output_.position());
    } else {
      further_[oid] = output_.position();
    }
  }

  void write(const PackRecord& record) {
    const DataPlace place = data_of(far_, record);
    RecordHeader header = record.header;
    header.previous = 0;
    header.transaction = begun_;
    header.data = place.length;
    std::array<std::byte, kRecordHeaderSize + kBackPointerSize> bytes{};
    store(bytes.data(), header);
    output_.append(base::ByteSpan(bytes).first(place.length != 0 ? kRecordHeaderSize : bytes.size()));
    if (place.length != 0) {
      output_.copy(record.header.data != 0 ? in_ : far_, place.position, place.length);
    }
  }

  // What is left of the old entries goes, and objects without a current record stand where their last kept
  // one does.
  void finish_index() {
    Index& objects = selection_.graph.objects;
    if (selection_.collected_garbage) {
      objects.erase_if([](Oid, std::uint64_t entry) { return is_node(entry); });
    }
    for (const auto& [oid, position] : further_) {
      if (objects.get(oid) == 0) objects.set(oid, position);
    }
  }

  ForwardReader in_;
  FarReader far_;
  Selection& selection_;
  PackOutput& output_;
  const OnDropped& dropped_;
  ProgressSteps progress_;
  PackCounts counts_;
  std::unordered_map<Oid, std::uint64_t> further_;
  std::uint64_t position_ = 0, size_ = 0;  // of the transaction and its header, in the source
  std::uint64_t begun_ = 0;                // where it stands in the output; 0: not yet
};

// Finds transactions in the output by tid: remembers every 64th and goes on from there.
class TransactionFinder {
 public:
  explicit TransactionFinder(PackOutput& output) : output_(output) {}

  void add(Tid tid, std::uint64_t position) {
    if (count_++ % kStep == 0) marks_.push_back({tid, position});
  }
  // All that stands in the output already.
  void add_all(std::uint64_t end) {
    std::uint64_t position = kMagicSize;
    while (position < end) {
      const TransactionHeader header = header_at(position);
      add(header.tid, position);
      position += header.length + kTrailerSize;
    }
  }
  // Its position among those up to `end`; 0 if there is none of this tid.
  std::uint64_t find(Tid tid, std::uint64_t end) {
    const auto behind = std::upper_bound(marks_.begin(), marks_.end(), tid,
                                         [](Tid wanted, const Mark& mark) { return wanted < mark.tid; });
    if (behind == marks_.begin()) return 0;
    std::uint64_t position = std::prev(behind)->position;
    while (position < end) {
      const TransactionHeader header = header_at(position);
      if (header.tid >= tid) return header.tid == tid ? position : 0;
      position += header.length + kTrailerSize;
    }
    return 0;
  }
  TransactionHeader header_at(std::uint64_t position) {
    return load_transaction_header(output_.read(position, kTransactionHeaderSize).data());
  }

 private:
  static constexpr std::uint64_t kStep = 64;
  struct Mark {
    Tid tid;
    std::uint64_t position;
  };
  PackOutput& output_;
  std::vector<Mark> marks_;
  std::uint64_t count_ = 0;
};

class Rest {
 public:
  Rest(io::File& source, Selection& selection, PackFlaws flaws, PackOutput& output,
       const io::OnProgress& progress)
      : in_(source, selection.end),
        far_(source, selection.end),
        selection_(selection),
        flaws_(flaws),
        output_(output),
        progress_(progress),
        finder_(output) {}

  void run() {
    Tid last_tid = 0;
    walk_transactions(in_, selection_.packpos, last_tid, *this);
  }

  bool transaction(std::uint64_t position, const TransactionHeader& header) {
    begun_ = output_.position();
    output_.copy(in_, position, header.size());
    written_.clear();
    deletions_count_ = deletions_count(header, flaws_);
    return true;
  }

  void record(const PackRecord& record) {
    const DataPlace place = data_of(far_, record);
    RecordHeader header = record.header;
    std::uint64_t back = 0;
    if (record.back != 0) back = new_target(record, place);
    if (back != 0) ends_[output_.position()] = end_of(back);
    const bool data = place.length != 0 && back == 0;
    header.previous = selection_.graph.objects.get(header.oid);
    header.transaction = begun_;
    header.data = data ? place.length : 0;
    if (deletions_count_ || !record.deletes()) written_.emplace_back(header.oid, output_.position());
    std::array<std::byte, kRecordHeaderSize + kBackPointerSize> bytes{};
    store(bytes.data(), header);
    base::store_be(bytes.data() + kRecordHeaderSize, back);
    output_.append(base::ByteSpan(bytes).first(data ? kRecordHeaderSize : bytes.size()));
    if (data) output_.copy(record.header.data != 0 ? in_ : far_, place.position, place.length);
  }

  void end(std::uint64_t trailer, const TransactionHeader& header) {
    if (output_.position() - begun_ != header.length) {
      // ZODB: AssertionError.
      throw_damaged(
          in_.file(), trailer - header.length,
          "the data of a back pointer cannot be found again in the packed file, in the transaction");
    }
    output_.copy(in_, trailer, kTrailerSize);
    for (const auto& [oid, position] : written_) selection_.graph.objects.set(oid, position);
    if (finding_) finder_.add(header.tid, begun_);
    progress_.at(trailer);
  }

 private:
  // The place in the output for a back pointer; 0 if the data has to be written in full.
  std::uint64_t new_target(const PackRecord& record, const DataPlace& place) {
    if (!finding_) {
      finding_ = true;
      finder_.add_all(begun_);
    }
    const PackRecord target = record_at(far_, record.back);
    const std::uint64_t transaction = finder_.find(target.header.tid, begun_);
    if (transaction == 0) {
      throw_damaged(in_.file(), record.position,
                    "invalid backpointer transaction id: the packed file has no transaction 0x" +
                        base::to_hex(target.header.tid) + " for the back pointer");
    }
    for (const std::uint64_t at : records_of(record.header.oid, transaction)) {
      const bool same = same_data(at, place);
      if (flaws_ == PackFlaws::copied) {
        const RecordHeader other = record_header_at(at);
        if (other.data != 0 && place.length == 0) {  // ZODB: TypeError
          throw_damaged(in_.file(), record.position,
                        "the packed file has data for the back pointer to nothing");
        }
        return other.data == 0 || same ? at : 0;
      }
      if (same) return at;
    }
    return 0;
  }

  RecordHeader record_header_at(std::uint64_t position) {
    return load_record_header(output_.read(position, kRecordHeaderSize).data());
  }

  // Where the records of the object stand in a transaction of the output.
  std::vector<std::uint64_t> records_of(Oid oid, std::uint64_t transaction) {
    const auto [found, fresh] = contents_.try_emplace(transaction);
    auto& records = found->second;
    if (fresh) {
      const TransactionHeader header = finder_.header_at(transaction);
      const std::uint64_t end = transaction + header.length;
      for (std::uint64_t at = transaction + header.size(); at < end;) {
        const RecordHeader record = record_header_at(at);
        records.emplace_back(record.oid, at);
        at += kRecordHeaderSize + record.payload();
      }
      std::sort(records.begin(), records.end());
    }
    std::vector<std::uint64_t> positions;
    for (auto at = std::lower_bound(records.begin(), records.end(), std::pair(oid, std::uint64_t{0}));
         at != records.end() && at->first == oid; ++at) {
      positions.push_back(at->second);
    }
    return positions;
  }

  // Where the record at `position` of the output has its data: in itself, or at the end of its back pointers.
  std::uint64_t end_of(std::uint64_t position) const {
    const auto found = ends_.find(position);
    return found == ends_.end() ? position : found->second;
  }

  // Whether the record in the output leads to the data at `place` of the source.
  bool same_data(std::uint64_t position, const DataPlace& place) {
    position = end_of(position);
    const RecordHeader header = record_header_at(position);
    if (header.data != place.length) return false;
    if (place.length < kPiece) return same_bytes(position + kRecordHeaderSize, place);
    const auto [known, fresh] = compared_.try_emplace({place.position, position}, false);
    if (fresh) known->second = same_bytes(position + kRecordHeaderSize, place);
    return known->second;
  }
  bool same_bytes(std::uint64_t position, const DataPlace& place) {
    for (std::uint64_t done = 0; done < place.length; done += kPiece) {
      const std::uint64_t length = std::min(kPiece, place.length - done);
      const base::ByteSpan theirs = far_.bytes(place.position + done, length);
      const base::ByteSpan ours = output_.read(position + done, length);
      if (!std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end())) return false;
    }
    return true;
  }

  ForwardReader in_;
  FarReader far_;
  Selection& selection_;
  PackFlaws flaws_;
  PackOutput& output_;
  ProgressSteps progress_;
  TransactionFinder finder_;
  bool finding_ = false;
  // What back pointers need, so that many of them to the same place, or to each other, cost no more than a
  // few: the records of the transactions they lead to, by oid and position; the ends of those written so far;
  // and whether large data of the source (by its position) is that of a record in the output.
  std::unordered_map<std::uint64_t, std::vector<std::pair<Oid, std::uint64_t>>> contents_;
  std::unordered_map<std::uint64_t, std::uint64_t> ends_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, bool> compared_;
  std::vector<std::pair<Oid, std::uint64_t>> written_;  // by the transaction under way
  bool deletions_count_ = true;                         // in it
  std::uint64_t begun_ = 0;                             // its position in the output
};

}  // namespace

PackCounts copy_packed(io::File& source, Selection& selection, PackOutput& output, const OnDropped& dropped,
                       const io::OnProgress& progress) {
  return Packed(source, selection, output, dropped, progress).run();
}

void copy_rest(io::File& source, Selection& selection, PackFlaws flaws, PackOutput& output,
               const io::OnProgress& progress) {
  Rest(source, selection, flaws, output, progress).run();
}

}  // namespace filestorage
