// Going over the records of a file that may be damaged, as far as scan() counts them: behind a fault in a
// transaction the walk goes on with the next, and where the chain breaks it ends, or goes on where the scan
// did.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "filestorage/format.h"
#include "filestorage/forward_reader.h"
#include "filestorage/scan.h"

namespace filestorage {

struct WalkedRecord {
  std::uint64_t position = 0;  // file offset
  RecordHeader header;
  std::uint64_t back = 0;  // the back pointer; 0 also if the record has data

  std::uint64_t data_at() const { return position + kRecordHeaderSize; }
};

// The record at `position`, if its header and back pointer fit into the file.
inline std::optional<WalkedRecord> walked_record_at(ForwardReader& in, std::uint64_t position,
                                                    std::uint64_t end) {
  if (end < kRecordHeaderSize + kBackPointerSize || position > end - kRecordHeaderSize) return std::nullopt;
  const std::byte* bytes = in.at(position, kRecordHeaderSize);
  if (bytes == nullptr) return std::nullopt;
  WalkedRecord record{position, load_record_header(bytes), 0};
  if (record.header.payload() > end - position - kRecordHeaderSize) return std::nullopt;
  if (record.header.data == 0) {
    bytes = in.at(record.data_at(), kBackPointerSize);
    if (bytes == nullptr) return std::nullopt;
    record.back = base::load_be<std::uint64_t>(bytes);
  }
  return record;
}

// From the transaction at `from`. visit(record) for each record that says where its transaction is; records
// of status 'u' do not count. stop(position) before each transaction. `breaks`: of the scan that found the
// end of `in`. Returns where the walk ended.
template <typename Stop, typename Visit>
std::uint64_t walk_records(ForwardReader& in, std::uint64_t from, std::span<const Break> breaks, Stop stop,
                           Visit visit) {
  std::uint64_t position = from;
  while (position < in.end() && !stop(position)) {
    while (!breaks.empty() && breaks.front().from < position) breaks = breaks.subspan(1);
    if (!breaks.empty() && breaks.front().from == position) {
      position = breaks.front().to;
      continue;
    }
    const std::byte* bytes = in.at(position, kTransactionHeaderSize);
    if (bytes == nullptr) break;
    const TransactionHeader header = load_transaction_header(bytes);
    const std::uint64_t rest = in.end() - position;
    if (header.length < header.size() || rest < kTrailerSize || header.length > rest - kTrailerSize) break;
    const std::uint64_t end = position + header.length;
    std::uint64_t at = header.status == 'u' ? end : position + header.size();
    while (at < end) {
      const std::optional<WalkedRecord> record = walked_record_at(in, at, end);
      if (!record || record->header.version != 0) break;
      if (record->header.transaction == position) visit(*record);
      at += kRecordHeaderSize + record->header.payload();
    }
    position = end + kTrailerSize;
  }
  return position;
}

// Where a record's data stand: its own, or those at the end of its back pointers.
struct FoundData {
  enum class What {
    data,
    nothing,  // a back pointer 0: the object does not exist from here on
    broken    // a back pointer that does not lead to an earlier record of the object
  } what = What::nothing;
  std::uint64_t position = 0;  // file offset of the data
  std::uint64_t length = 0;
};

// Each step leads towards the front of the file, so it ends.
FoundData find_data(ForwardReader& in, const WalkedRecord& record);

}  // namespace filestorage
