#include "filestorage/blob_record.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "filestorage/window.h"

namespace filestorage {

namespace {

using base::Error;
using base::ErrorKind;

// Back pointers to back pointers come from undos of undos, a few at most; a hostile file can chain millions.
constexpr int kMostBackPointers = 1000;

// Takes a class pickle apart from front to back.
class Head {
 public:
  explicit Head(base::ByteSpan bytes) : rest_(base::as_text(bytes)) {}

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  bool skip(std::size_t bytes) {
    if (rest_.size() < bytes) return false;
    rest_.remove_prefix(bytes);
    return true;
  }
  // A text value, in any of the forms a pickler uses for a short one.
  bool take_text(std::string_view text) {
    const auto length = static_cast<char>(text.size());
    using namespace std::string_view_literals;
    const bool prefix = take("\x8c"sv) || take("U"sv) ? take({&length, 1})
                                                      : take("X"sv) && take({&length, 1}) && take("\0\0\0"sv);
    return prefix && take(text);
  }
  // An opcode that stores the top of the stack in the memo, if there is one.
  bool pass_put() {
    if (take("\x94")) return true;
    if (take("q")) return skip(1);
    if (take("r")) return skip(4);
    if (!take("p")) return true;
    const std::size_t digits = rest_.find_first_not_of("0123456789");
    return digits != 0 && digits != std::string_view::npos && skip(digits) && take("\n");
  }

 private:
  std::string_view rest_;
};

std::array<std::byte, kBlobClassBytes> read_head(io::File& file, std::uint64_t offset, std::uint64_t length,
                                                 std::size_t& got) {
  std::array<std::byte, kBlobClassBytes> head;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, head.size()));
  got = file.read_full(offset, std::span(head).first(wanted));
  return head;
}

// Whether the back pointer `target` of `record` leads to a blob's data.
bool leads_to_blob(io::File& file, const RecordHeader& record, std::uint64_t target) {
  std::uint64_t before = record.transaction;
  for (int step = 0; step < kMostBackPointers; ++step) {
    std::array<std::byte, kRecordHeaderSize + kBackPointerSize> bytes;
    if (target < kMagicSize + kTransactionHeaderSize || target >= before) return false;
    if (file.read_full(target, bytes) != bytes.size()) return false;
    const RecordHeader found = load_record_header(bytes.data());
    if (found.oid != record.oid || found.transaction >= target) return false;
    if (found.data != 0) {
      std::size_t got = 0;
      const auto head = read_head(file, target + kRecordHeaderSize, found.data, got);
      return is_blob_class(std::span(head).first(got));
    }
    before = found.transaction;
    target = base::load_be<std::uint64_t>(bytes.data() + kRecordHeaderSize);
  }
  return false;
}

[[noreturn]] void refuse(io::File& file, std::uint64_t position) {
  throw Error(ErrorKind::corrupt, "read", file.path(),
              "the transaction at byte " + std::to_string(position) + " is not whole");
}

class Walk {
 public:
  Walk(io::File& file, std::uint64_t to, const OnBlobRecord& visit)
      : file_(file), window_(file, to, {}, {}), visit_(visit) {}

  // Returns where the next transaction begins.
  std::uint64_t transaction(std::uint64_t position) {
    const std::byte* bytes = window_.at(position, kTransactionHeaderSize);
    if (bytes == nullptr) refuse(file_, position);
    const TransactionHeader header = load_transaction_header(bytes);
    const std::uint64_t room = window_.size() - position;
    if (room < kTrailerSize || header.length > room - kTrailerSize || header.length < header.size() ||
        header.status == 'c') {
      refuse(file_, position);
    }
    const std::uint64_t end = position + header.length;
    if (header.status != 'u') {
      std::uint64_t at = position + header.size();
      while (at < end) at = record(position, at, end);
    }
    bytes = window_.at(end, kTrailerSize);
    if (bytes == nullptr || base::load_be<std::uint64_t>(bytes) != header.length) refuse(file_, position);
    return end + kTrailerSize;
  }

 private:
  std::uint64_t record(std::uint64_t transaction, std::uint64_t position, std::uint64_t end) {
    const std::uint64_t room = end - position;
    const std::byte* bytes = room < kRecordHeaderSize ? nullptr : window_.at(position, kRecordHeaderSize);
    if (bytes == nullptr) refuse(file_, transaction);
    const RecordHeader record = load_record_header(bytes);
    if (record.payload() > room - kRecordHeaderSize || record.transaction != transaction)
      refuse(file_, transaction);
    const std::uint64_t payload = position + kRecordHeaderSize;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(record.payload(), kBlobClassBytes));
    bytes = window_.at(payload, wanted);
    if (bytes == nullptr) refuse(file_, transaction);
    const bool is_blob = record.data != 0 ? is_blob_class({bytes, wanted})
                                          : leads_to_blob(file_, record, base::load_be<std::uint64_t>(bytes));
    if (is_blob) visit_({record.tid, record.oid}, position);
    return payload + record.payload();
  }

  io::File& file_;
  Window window_;
  const OnBlobRecord& visit_;
};

}  // namespace

bool is_blob_class(base::ByteSpan head) {
  Head rest(head);
  if (rest.take("\x80") && !rest.skip(1)) return false;  // the protocol
  if (rest.take("\x95") && !rest.skip(8)) return false;  // a frame
  if (!rest.take("cZODB.blob\nBlob\n")) {
    if (!rest.take_text("ZODB.blob") || !rest.pass_put() || !rest.take_text("Blob") || !rest.pass_put() ||
        !rest.take("\x93"))
      return false;
  }
  return rest.pass_put() && rest.take(".");
}

bool is_blob_record(io::File& file, std::uint64_t position, const RecordHeader& record) {
  const std::uint64_t payload = position + kRecordHeaderSize;
  std::size_t got = 0;
  const auto head = read_head(file, payload, record.payload(), got);
  if (record.data != 0) return is_blob_class(std::span(head).first(got));
  return got == kBackPointerSize && leads_to_blob(file, record, base::load_be<std::uint64_t>(head.data()));
}

void for_each_blob_record(io::File& file, std::uint64_t from, std::uint64_t to, const OnBlobRecord& visit) {
  if (from > to || to > file.status().size) {
    throw Error(ErrorKind::corrupt, "read", file.path(), "the file is shorter than expected");
  }
  Walk walk(file, to, visit);
  std::uint64_t position = std::max(from, kMagicSize);
  while (position < to) position = walk.transaction(position);
}

}  // namespace filestorage
