#include "filestorage/probe.h"

#include <array>

namespace filestorage {

namespace {

constexpr std::uint64_t kSmallestTransaction = kTransactionHeaderSize + kTrailerSize;
constexpr int kMostWithoutRecords = 64;
constexpr int kMostBackPointers = 32;

bool read(io::File& file, std::uint64_t offset, std::span<std::byte> into) {
  return file.read_full(offset, into) == into.size();
}

std::optional<std::uint64_t> read_number(io::File& file, std::uint64_t offset) {
  std::array<std::byte, 8> bytes;
  if (!read(file, offset, bytes)) return std::nullopt;
  return base::load_be<std::uint64_t>(bytes.data());
}

std::optional<TransactionHeader> read_header(io::File& file, std::uint64_t offset) {
  std::array<std::byte, kTransactionHeaderSize> bytes;
  if (!read(file, offset, bytes)) return std::nullopt;
  return load_transaction_header(bytes.data());
}

// The first record of the transaction, if it has the room that it claims.
std::optional<RecordHeader> read_first_record(io::File& file, std::uint64_t position,
                                              const TransactionHeader& header) {
  const std::uint64_t room = header.length - header.size();
  std::array<std::byte, kRecordHeaderSize> bytes;
  if (room < kRecordHeaderSize + kBackPointerSize || !read(file, position + header.size(), bytes))
    return std::nullopt;
  const RecordHeader record = load_record_header(bytes.data());
  if (record.version != 0 || record.payload() > room - kRecordHeaderSize) return std::nullopt;
  return record;
}

bool is_finished(char status) {
  return status == ' ' || status == 'p' || status == 'u';
}

}  // namespace

FileKind probe_magic(io::File& file, std::uint64_t size) {
  if (size == 0) return FileKind::empty;
  std::array<std::byte, kMagicSize> bytes;
  if (size < kMagicSize || !read(file, 0, bytes)) return FileKind::other;
  if (base::as_text(bytes) == kMagicFs21) return FileKind::fs21;
  return base::as_text(bytes) == kMagicFs30 ? FileKind::fs30 : FileKind::other;
}

std::optional<ProbedTransaction> transaction_ending_at(io::File& file, std::uint64_t end) {
  if (end < kMagicSize + kSmallestTransaction) return std::nullopt;
  const std::optional<std::uint64_t> length = read_number(file, end - kTrailerSize);
  if (!length || *length < kTransactionHeaderSize || *length > end - kTrailerSize - kMagicSize)
    return std::nullopt;
  const std::uint64_t position = end - kTrailerSize - *length;
  const std::optional<TransactionHeader> header = read_header(file, position);
  if (!header || header->length != *length || header->size() > *length || header->tid == 0)
    return std::nullopt;
  if (header->size() == *length) return ProbedTransaction{position, *header, false};
  const std::optional<RecordHeader> record = read_first_record(file, position, *header);
  if (!record || (record->tid != header->tid && record->transaction != position)) return std::nullopt;
  return ProbedTransaction{position, *header, true};
}

bool is_transaction_at(io::File& file, std::uint64_t position, std::uint64_t size) {
  if (size < kSmallestTransaction || position > size - kSmallestTransaction) return false;
  const std::optional<TransactionHeader> header = read_header(file, position);
  if (!header || header->tid == 0 || !is_finished(header->status)) return false;
  if (header->length < header->size() || header->length > size - kTrailerSize - position) return false;
  const std::optional<RecordHeader> record = read_first_record(file, position, *header);
  if (!record || record->tid != header->tid || record->transaction != position) return false;
  return read_number(file, position + header->length) == header->length;
}

BackPointer follow_back_pointer(io::File& file, const RecordHeader& record, std::uint64_t target) {
  std::uint64_t before = record.transaction;
  for (int step = 0; step < kMostBackPointers; ++step) {
    if (target == 0) return BackPointer::nothing;
    std::array<std::byte, kRecordHeaderSize + kBackPointerSize> bytes;
    const bool earlier = target >= kMagicSize + kTransactionHeaderSize && target < before;
    if (!earlier || !read(file, target, bytes)) return step == 0 ? BackPointer::wrong : BackPointer::data;
    const RecordHeader found = load_record_header(bytes.data());
    if (found.oid != record.oid || found.transaction >= target) {
      return step == 0 ? BackPointer::wrong : BackPointer::data;
    }
    if (found.data != 0) return BackPointer::data;
    before = found.transaction;
    target = base::load_be<std::uint64_t>(bytes.data() + kRecordHeaderSize);
  }
  return BackPointer::data;
}

bool ends_with_transaction(io::File& file, std::uint64_t size) {
  std::uint64_t end = size;
  for (int step = 0; step < kMostWithoutRecords; ++step) {
    const std::optional<ProbedTransaction> last = transaction_ending_at(file, end);
    if (!last || !is_finished(last->header.status)) return false;
    if (last->has_records || last->position == kMagicSize) return true;
    end = last->position;
  }
  return false;
}

}  // namespace filestorage
