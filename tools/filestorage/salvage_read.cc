#include "filestorage/salvage_read.h"

#include "filestorage/record_walk.h"

namespace filestorage {

namespace {

bool counts(char status) {
  return status == ' ' || status == 'p' || status == 'u';
}

}  // namespace

std::optional<ReadTransaction> TransactionReader::at(std::uint64_t position, std::string& why) {
  const std::byte* bytes = in_.at(position, kTransactionHeaderSize);
  if (bytes == nullptr) {
    why = "fewer bytes than a transaction has";
    return std::nullopt;
  }
  ReadTransaction found;
  found.position = found.origin = position;
  found.header = load_transaction_header(bytes);
  const std::uint64_t rest = in_.end() - position;
  if (found.header.length < found.header.size() || rest < kTrailerSize ||
      found.header.length > rest - kTrailerSize) {
    why = "the length of the transaction is wrong";
    return std::nullopt;
  }
  bytes = far_.at(position + found.header.length, kTrailerSize);
  if (bytes == nullptr || base::load_be<std::uint64_t>(bytes) != found.header.length) {
    why = "the two lengths of the transaction differ";
    return std::nullopt;
  }
  read_records(found);
  if (found.records == 0 && !found.cut.empty()) {
    why = found.cut;
    return std::nullopt;
  }
  return found;
}

void TransactionReader::read_records(ReadTransaction& found) {
  const std::uint64_t end = found.position + found.header.length;
  std::uint64_t elsewhere = 0;  // a location that is not the transaction's
  bool located = false, scattered = false;
  std::uint64_t agreeing = 0;
  found.records_end = found.position + found.header.size();
  while (found.records_end < end) {
    const std::uint64_t at = found.records_end;
    const auto record = walked_record_at(in_, at, end);
    if (!record || record->header.version != 0) {
      found.cut =
          !record ? "a record reaches over the end of its transaction" : "a record belongs to a version";
      break;
    }
    if (record->header.transaction == found.position) {
      located = true;
    } else {
      scattered = scattered || (elsewhere != 0 && record->header.transaction != elsewhere);
      elsewhere = record->header.transaction;
    }
    if (record->header.tid == found.header.tid) {
      ++agreeing;
    } else {
      found.record_tid = record->header.tid;
    }
    ++found.records;
    found.records_end = at + kRecordHeaderSize + record->header.payload();
  }
  found.tids_agree = agreeing == found.records;
  if (agreeing * 2 > found.records || found.records == 0) found.record_tid = found.header.tid;
  if (found.records != 0 && !located) {
    found.origin = elsewhere;
    if (scattered) {
      found.cut = "the records do not say where their transaction is";
      found.records = 0;
    }
  }
  found.some_locations_wrong = located && elsewhere != 0;
}

std::optional<ReadTransaction> TransactionReader::search(std::uint64_t position, Tid last) {
  std::string why;
  for (; position < in_.end(); ++position) {
    const std::byte* bytes = in_.at(position, kTransactionHeaderSize);
    if (bytes == nullptr) return std::nullopt;
    const TransactionHeader header = load_transaction_header(bytes);
    if (!counts(header.status) || header.tid <= last || header.length >= in_.end() - position) continue;
    if (header.length < header.size()) continue;
    const auto found = at(position, why);
    if (found && found->records != 0 && found->cut.empty() && found->record_tid == header.tid &&
        !found->some_locations_wrong)
      return found;
  }
  return std::nullopt;
}

}  // namespace filestorage
