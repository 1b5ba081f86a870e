#include <array>
#include <utility>
#include <variant>

#include "filestorage/format.h"
#include "filestorage/index_file.h"
#include "filestorage/index_pickle.h"
#include "filestorage/probe.h"

namespace filestorage {

namespace {

constexpr std::size_t kPrefixSize = 6, kKeySize = 2, kValueSize = 6;
constexpr std::uint64_t kLeastPosition = 100;  // ZODB's own limits
constexpr int kRecordsChecked = 5;
constexpr int kMostSteps = 100000;  // our limit to walking back over transactions that do not count

std::uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// False if the bucket is not what ZODB writes.
bool take_bucket(const PickledPair& pair, Oid& next_oid, bool& first, Index& positions) {
  const std::string& bucket = pair.second;
  const std::size_t count = bucket.size() / (kKeySize + kValueSize);
  if (pair.first.size() != kPrefixSize || count == 0 || bucket.size() % (kKeySize + kValueSize) != 0)
    return false;
  const Oid prefix = number_at(pair.first, 0, kPrefixSize) << 16;
  for (std::size_t i = 0; i < count; ++i) {
    const Oid oid = prefix | number_at(bucket, i * kKeySize, kKeySize);
    const std::uint64_t position = number_at(bucket, count * kKeySize + i * kValueSize, kValueSize);
    if ((!first && oid < next_oid) || position == 0) return false;
    first = false;
    next_oid = oid + 1;
    positions.set(oid, position);
  }
  return true;
}

// Whether the records of this transaction, up to `wanted` of them, are where the index has them. Counts them.
bool records_match(io::File& data, const Index& positions, std::uint64_t transaction,
                   const TransactionHeader& header, int& checked) {
  const std::uint64_t end = transaction + header.length;
  std::uint64_t position = transaction + header.size();
  while (position < end && checked < kRecordsChecked) {
    std::array<std::byte, kRecordHeaderSize> bytes;
    if (end - position < bytes.size() || data.read_full(position, bytes) != bytes.size()) return false;
    const RecordHeader record = load_record_header(bytes.data());
    if (record.version != 0 || record.payload() > end - position - kRecordHeaderSize) return false;
    if (record.transaction != transaction || positions.get(record.oid) != position) return false;
    ++checked;
    position += kRecordHeaderSize + record.payload();
  }
  return true;
}

}  // namespace

std::optional<LoadedIndex> read_index(io::File& file, std::string& why) {
  IndexPickleReader reader(file);
  LoadedIndex loaded;
  const auto head = reader.next();
  const auto* position = head ? std::get_if<std::uint64_t>(&*head) : nullptr;
  if (position == nullptr) {
    why = "it does not begin with a position";
    return std::nullopt;
  }
  loaded.position = *position;
  Oid next_oid = 0;
  bool first = true;
  for (;;) {
    const auto item = reader.next();
    if (!item) {
      why = "it is cut or not an index";
      return std::nullopt;
    }
    if (std::holds_alternative<PickledNone>(*item)) return loaded;
    const auto* pair = std::get_if<PickledPair>(&*item);
    if (pair == nullptr || !take_bucket(*pair, next_oid, first, loaded.positions)) {
      why = "an entry is not what ZODB writes";
      return std::nullopt;
    }
    loaded.python2_only = loaded.python2_only || pair->python2_only;
  }
}

bool index_is_believable(io::File& data, std::uint64_t data_size, const LoadedIndex& index,
                         std::string& why) {
  const FileKind kind = probe_magic(data, data_size);
  if (kind == FileKind::other || kind == FileKind::empty)
    return why = "the data file is not a FileStorage", false;
  if (kind == FileKind::fs30 && index.python2_only)
    return why = "Python 2 wrote it, but not the data file", false;
  if (index.position < kLeastPosition) return why = "its position is less than any can be", false;
  if (index.position > data_size) return why = "its position is behind the end of the data", false;
  std::uint64_t end = index.position;
  for (int step = 0; step < kMostSteps; ++step) {
    std::array<std::byte, kTransactionHeaderSize> bytes;
    const std::span<std::byte> trailer(bytes.data(), kTrailerSize);
    if (end < kMagicSize + kTrailerSize || data.read_full(end - kTrailerSize, trailer) != trailer.size())
      break;
    const auto length = base::load_be<std::uint64_t>(bytes.data());
    if (length > end - kTrailerSize - kMagicSize) break;
    const std::uint64_t position = end - kTrailerSize - length;
    if (data.read_full(position, bytes) != bytes.size()) break;
    const TransactionHeader header = load_transaction_header(bytes.data());
    if (header.length != length) break;
    end = position;
    if (header.status == 'u') continue;
    if ((header.status != ' ' && header.status != 'p') || length < header.size()) break;
    if (length == header.size()) continue;
    int checked = 0;
    if (records_match(data, index.positions, position, header, checked)) return true;
    return why = "it does not fit the last transaction before its position", false;
  }
  return why = "its position is not the end of a transaction", false;
}

}  // namespace filestorage
