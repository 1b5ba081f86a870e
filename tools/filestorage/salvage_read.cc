#include "filestorage/salvage_read.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace filestorage {

namespace {

constexpr const char* kOverEnd = "a record reaches over the end of its transaction";
constexpr const char* kVersion = "a record belongs to a version";
constexpr const char* kForeign = "a record names another transaction";
constexpr std::uint64_t kLargestData = 256 << 20;
constexpr std::uint64_t kPatience = 16;  // times the file's size

bool counts(char status) {
  return status == ' ' || status == 'p' || status == 'u';
}

bool differ_in_one_byte(std::uint64_t a, std::uint64_t b) {
  std::uint64_t difference = a ^ b;
  if (difference == 0) return false;
  while ((difference & 0xff) == 0) difference >>= 8;
  return difference <= 0xff;
}

// The first byte of a tid stands beside the oid, which nothing proves: if it is wrong, that may be as well.
bool is_nearly(Tid tid, Tid right) {
  return differ_in_one_byte(tid, right) && tid >> 56 == right >> 56;
}

bool belongs(const ReadTransaction& found, const RecordHeader& record) {
  const bool named = record.tid == found.header.tid || record.tid == found.record_tid;
  const bool located = record.transaction == found.origin;
  if (named) return located || differ_in_one_byte(record.transaction, found.origin);
  return located && (is_nearly(record.tid, found.header.tid) || is_nearly(record.tid, found.record_tid));
}

}  // namespace

std::optional<RecordHeader> TransactionReader::record_at(std::uint64_t position, std::uint64_t end) {
  if (end - position < kRecordHeaderSize) return std::nullopt;
  const std::byte* bytes = in_.at(position, kRecordHeaderSize);
  if (bytes == nullptr) return std::nullopt;
  const RecordHeader record = load_record_header(bytes);
  if (record.payload() > end - position - kRecordHeaderSize) return std::nullopt;
  return record;
}

std::optional<ReadTransaction> TransactionReader::at(std::uint64_t position, std::string& why) {
  const std::byte* bytes = in_.at(position, kTransactionHeaderSize);
  if (bytes == nullptr) {
    why = "fewer bytes than a transaction has";
    return std::nullopt;
  }
  ReadTransaction found(position, load_transaction_header(bytes));
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
  read(found);
  if (found.records.empty() && !found.gaps.empty()) {
    why = found.gaps.front().why;
    return std::nullopt;
  }
  return found;
}

std::optional<ReadTransaction> TransactionReader::between(std::uint64_t position, std::uint64_t end) {
  if (end - position < kTransactionHeaderSize + kTrailerSize) return std::nullopt;
  const std::byte* bytes = in_.at(position, kTransactionHeaderSize);
  if (bytes == nullptr) return std::nullopt;
  ReadTransaction found(position, load_transaction_header(bytes));
  const std::uint64_t length = end - kTrailerSize - position;
  bytes = far_.at(end - kTrailerSize, kTrailerSize);
  if (bytes == nullptr || length < found.header.size() || !counts(found.header.status)) return std::nullopt;
  const auto trailer = base::load_be<std::uint64_t>(bytes);
  if (found.header.length != length && trailer != length && trailer != found.header.length)
    return std::nullopt;
  found.header.length = length;
  read(found);
  return found.records.empty() ? std::nullopt : std::optional(std::move(found));
}

void TransactionReader::read(ReadTransaction& found) {
  if (is_whole(found)) return;
  find_origin(found);
  read_records(found);
}

// Where the records say that their transaction is: here, if any does, and else where most do. And the tid
// that most of those have.
void TransactionReader::find_origin(ReadTransaction& found) {
  constexpr std::size_t kMost = 16;  // different ones; noise has no two alike
  using Tids = std::map<Tid, std::uint64_t>;
  std::map<std::uint64_t, Tids> seen;
  const std::uint64_t end = found.position + found.header.length;
  for (std::uint64_t at = found.position + found.header.size(); at < end;) {
    const auto record = record_at(at, end);
    if (!record || !patient(kRecordHeaderSize)) break;
    if (record->transaction >= kMagicSize && record->tid != 0 && seen.size() < kMost)
      ++seen[record->transaction][record->tid];
    at += kRecordHeaderSize + record->payload();
  }
  const auto times = [](const Tids& tids) {
    return std::accumulate(tids.begin(), tids.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& tid) { return sum + tid.second; });
  };
  const auto more = [&](const auto& a, const auto& b) { return times(a.second) < times(b.second); };
  const auto most = std::max_element(seen.begin(), seen.end(), more);
  if (most == seen.end()) return;
  if (!seen.contains(found.position)) found.origin = most->first;
  const Tids& tids = seen[found.origin];
  const auto own = tids.find(found.header.tid);
  std::uint64_t agreeing = own == tids.end() ? 0 : own->second;
  for (const auto& [tid, count] : tids) {
    if (count <= agreeing) continue;
    agreeing = count;
    found.record_tid = tid;
  }
}

void TransactionReader::read_records(ReadTransaction& found) {
  const std::uint64_t end = found.position + found.header.length;
  for (std::uint64_t at = found.position + found.header.size(); at < end;) {
    const auto record = record_at(at, end);
    if (record && record->version == 0 && belongs(found, *record)) {
      found.some_locations_wrong = found.some_locations_wrong || record->transaction != found.origin;
      found.tids_agree = found.tids_agree && record->tid == found.header.tid;
      found.records.push_back(at);
      at += kRecordHeaderSize + record->payload();
      continue;
    }
    const char* why = !record ? kOverEnd : record->version != 0 ? kVersion : kForeign;
    const std::uint64_t gap = behind_good_data(found, at);
    at = next_record(found, gap + 1, end);
    found.gaps.push_back({gap, at - gap, why});
  }
}

// Where a gap begins that was noticed at `position`: before it if it began in the data of the last record.
std::uint64_t TransactionReader::behind_good_data(ReadTransaction& found, std::uint64_t position) {
  if (found.records.empty()) return position;
  const std::uint64_t last = found.records.back();
  const auto record = record_at(last, position);
  if (!record || record->data == 0 || record->data > kLargestData) return position;
  try {
    scanner_.strong(in_.bytes(last + kRecordHeaderSize, record->data));
    return position;
  } catch (const base::Error&) {
    found.records.pop_back();
    return last;
  }
}

// The first at or behind `position` that names its transaction by tid and location, and not by chance an oid
// that was damaged together with what stands before it; `end` if there is none.
std::uint64_t TransactionReader::next_record(const ReadTransaction& found, std::uint64_t position,
                                             std::uint64_t end) {
  for (; position < end && patient(1); ++position) {
    const auto record = record_at(position, end);
    if (!record || record->version != 0 || record->transaction != found.origin) continue;
    if (record->tid != found.header.tid && record->tid != found.record_tid) continue;
    if (has_credible_oid(*record)) return position;
  }
  return end;
}

// Where oids were lost zero bytes stand, the oid of the root. An object that was there before is named by its
// earlier record as well.
bool TransactionReader::has_credible_oid(const RecordHeader& record) {
  if (record.previous == 0) return record.oid != 0;
  const std::byte* bytes = far_.at(record.previous, kRecordHeaderSize);
  return bytes != nullptr && load_record_header(bytes).oid == record.oid;
}

// Whether it has records and nothing else, all with its tid and in one place. Takes them if so.
bool TransactionReader::is_whole(ReadTransaction& found) {
  const std::uint64_t end = found.position + found.header.length;
  std::vector<std::uint64_t> records;
  std::uint64_t origin = found.position;
  for (std::uint64_t at = found.position + found.header.size(); at < end;) {
    const auto record = record_at(at, end);
    if (!record || record->version != 0 || record->tid != found.header.tid) return false;
    if (records.empty()) origin = record->transaction;
    if (record->transaction != origin) return false;
    if (origin != found.position && !patient(kRecordHeaderSize)) return false;
    records.push_back(at);
    at += kRecordHeaderSize + record->payload();
  }
  if (records.empty()) return false;
  found.origin = origin;
  found.records = std::move(records);
  return true;
}

// Whether its first record names it, which nothing else in a file does.
bool TransactionReader::begins_well(const ReadTransaction& found) {
  const auto record = record_at(found.position + found.header.size(), found.position + found.header.length);
  return record && record->version == 0 && record->tid == found.header.tid &&
         record->transaction == found.position;
}

bool TransactionReader::patient(std::uint64_t bytes) {
  again_ += bytes;
  return again_ / kPatience <= in_.end();
}

std::optional<std::uint64_t> TransactionReader::search(std::uint64_t position, Tid last) {
  for (; position < in_.end(); ++position) {
    const std::byte* bytes = in_.at(position, kTransactionHeaderSize);
    if (bytes == nullptr) return std::nullopt;
    const TransactionHeader header = load_transaction_header(bytes);
    if (!counts(header.status) || header.tid <= last || header.length >= in_.end() - position) continue;
    if (header.length < header.size() || in_.end() - position - header.length < kTrailerSize) continue;
    bytes = far_.at(position + header.length, kTrailerSize);
    if (bytes == nullptr || base::load_be<std::uint64_t>(bytes) != header.length) continue;
    ReadTransaction found(position, header);
    if (begins_well(found) || is_whole(found)) return position;
  }
  return std::nullopt;
}

}  // namespace filestorage
