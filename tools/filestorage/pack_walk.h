// Going over transactions front to back with the checks of ZODB's pack, which are stricter than those of an
// opening: what is not as it has to be ends the walk with an Error of kind corrupt.
//
//   struct Visitor {
//     bool transaction(std::uint64_t position, const TransactionHeader& header);   // false: ends before it
//     void record(const PackRecord& record);
//     void end(std::uint64_t trailer, const TransactionHeader& header);            // the length behind
//     agrees
//   };
//   walk_transactions(reader, kMagicSize, eof, last_tid, visitor);
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "filestorage/format.h"
#include "filestorage/forward_reader.h"
#include "io/copy.h"

namespace filestorage {

struct PackRecord {
  std::uint64_t position = 0;
  RecordHeader header;
  std::uint64_t back = 0;  // back pointer; 0 also if the record has data

  std::uint64_t size() const { return kRecordHeaderSize + header.payload(); }
  bool deletes() const { return header.data == 0 && back == 0; }
};

[[noreturn]] inline void throw_damaged(io::File& file, std::uint64_t position, const std::string& what) {
  throw base::Error(base::ErrorKind::corrupt, "pack", file.path(), what + " at " + std::to_string(position))
      .with_hint("fscheck tells what is damaged");
}

inline TransactionHeader checked_transaction(ForwardReader& in, std::uint64_t position) {
  const std::byte* bytes = in.at(position, kTransactionHeaderSize);
  if (bytes == nullptr) throw_damaged(in.file(), position, "the transaction is cut short");
  return load_transaction_header(bytes);
}

// A record by its position alone, wherever a back pointer led.
inline PackRecord record_at(ForwardReader& in, std::uint64_t position) {
  const std::byte* bytes = in.at(position, kRecordHeaderSize + kBackPointerSize);
  if (bytes == nullptr) throw_damaged(in.file(), position, "there is no whole record");
  PackRecord record{position, load_record_header(bytes), 0};
  if (record.header.version != 0) throw_damaged(in.file(), position, "the record belongs to a version");
  if (record.header.data == 0) record.back = base::load_be<std::uint64_t>(bytes + kRecordHeaderSize);
  return record;
}

// Where the data of a record stands: its own, or that at the end of its back pointers.
struct DataPlace {
  std::uint64_t position = 0;  // of the data
  std::uint64_t length = 0;    // 0: the object does not exist from there on
};

// Reads what back pointers lead to, anywhere before them. Where they lead to back pointers again, as undos of
// undos do, it remembers the ends, so that a chain of many costs no more than its length.
class FarReader : public ForwardReader {
 public:
  using ForwardReader::ForwardReader;

 private:
  friend DataPlace data_of(FarReader& in, const PackRecord& record);
  std::unordered_map<std::uint64_t, DataPlace> ends_;  // of the back pointers at these positions
};

// Error(corrupt) for a back pointer that does not lead towards the front, to a record of the same object; so
// no circle is followed.
DataPlace data_of(FarReader& in, const PackRecord& record);

inline void check_transaction(ForwardReader& in, std::uint64_t position, const TransactionHeader& header,
                              Tid last_tid) {
  if (header.tid <= last_tid) {
    throw_damaged(in.file(), position, "the transaction is not later than the one before it");
  }
  if (header.status == 'c') throw_damaged(in.file(), position, "the transaction was not finished");
  if (header.status != ' ' && header.status != 'p' && header.status != 'u') {
    throw_damaged(in.file(), position, "the transaction has an unknown status");
  }
  if (header.length < header.size()) {
    throw_damaged(in.file(), position, "the transaction is shorter than its header");
  }
  if (header.length > in.end() - position || in.end() - position - header.length < kTrailerSize) {
    throw_damaged(in.file(), position, "the transaction reaches over the end");
  }
}

inline void check_record(ForwardReader& in, const PackRecord& record, std::uint64_t transaction,
                         std::uint64_t end) {
  const RecordHeader& header = record.header;
  if (header.transaction != transaction) {
    throw_damaged(in.file(), record.position, "the record does not name its transaction");
  }
  if (header.data > end || record.size() > end - record.position) {
    throw_damaged(in.file(), record.position, "the record reaches over its transaction");
  }
  if (header.previous >= record.position) {
    throw_damaged(in.file(), record.position, "the record before it is not before it");
  }
  if (record.back >= record.position) {
    throw_damaged(in.file(), record.position, "the back pointer does not lead back");
  }
}

// Tells progress every 8 MB.
class ProgressSteps {
 public:
  // The function may be empty; it must outlive this.
  explicit ProgressSteps(const io::OnProgress& progress) : progress_(progress) {}
  void at(std::uint64_t done) {
    if (!progress_ || done - told_ < kStep) return;
    told_ = done;
    progress_(done);
  }

 private:
  static constexpr std::uint64_t kStep = 8 << 20;
  const io::OnProgress& progress_;
  std::uint64_t told_ = 0;
};

// From the transaction at `from` to the end of `in`, or to where the visitor ended it. Returns that position.
template <typename Visitor>
std::uint64_t walk_transactions(ForwardReader& in, std::uint64_t from, Tid& last_tid, Visitor& visitor) {
  std::uint64_t position = from;
  while (position < in.end()) {
    const TransactionHeader header = checked_transaction(in, position);
    if (!visitor.transaction(position, header)) break;
    check_transaction(in, position, header, last_tid);
    last_tid = header.tid;
    const std::uint64_t end = position + header.length;
    std::uint64_t at = position + header.size();
    while (at < end) {
      const PackRecord record = record_at(in, at);
      check_record(in, record, position, end);
      visitor.record(record);
      at += record.size();
    }
    const std::byte* trailer = in.at(end, kTrailerSize);
    if (trailer == nullptr || base::load_be<std::uint64_t>(trailer) != header.length) {
      throw_damaged(in.file(), position, "the two lengths of the transaction differ");
    }
    visitor.end(end, header);
    position = end + kTrailerSize;
  }
  return position;
}

}  // namespace filestorage
