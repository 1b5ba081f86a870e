#include "repozo/first_change.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "filestorage/forward_reader.h"
#include "repozo/piece_io.h"

namespace repozo {

namespace {

struct Differs {
  std::uint64_t at;
  bool in_both;  // else the source ends there
};

// Throws Differs at the first byte that the source has not, or has otherwise.
void compare(io::File& file, const Piece& piece, io::File& source, std::span<std::byte> buffer) {
  std::uint64_t at = piece.start;
  read_piece(file, piece.name, piece.size(), [&](base::ByteSpan bytes) {
    const std::size_t got = source.read_full(at, buffer.first(bytes.size()));
    const auto found = std::mismatch(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got),
                                     bytes.begin(), bytes.end());
    if (found.second != bytes.end()) {
      const auto before = static_cast<std::size_t>(found.second - bytes.begin());
      throw Differs{at + before, before < got};
    }
    at += bytes.size();
  });
}

// The record whose data hold the byte at `at`. Reads nothing but what stands before, so the headers are the
// same on both sides.
std::optional<ChangedData> data_with(io::File& source, std::uint64_t at) {
  using namespace filestorage;
  ForwardReader in(source, at);
  for (std::uint64_t position = kMagicSize; position < at;) {
    const std::byte* bytes = in.at(position, kTransactionHeaderSize);
    if (bytes == nullptr) return std::nullopt;
    const TransactionHeader header = load_transaction_header(bytes);
    if (header.length < header.size()) return std::nullopt;
    if (header.length <= at - position) {
      position += header.length + kTrailerSize;
      continue;
    }
    for (std::uint64_t record_at = position + header.size(); record_at < at;) {
      bytes = in.at(record_at, kRecordHeaderSize);
      if (bytes == nullptr) return std::nullopt;
      const RecordHeader record = load_record_header(bytes);
      if (record.transaction != position || record.tid != header.tid || record.version != 0)
        return std::nullopt;
      const std::uint64_t data_at = record_at + kRecordHeaderSize;
      if (record.payload() > at - data_at) {
        if (record.data == 0) return std::nullopt;  // a pointer, which a pack does change
        return ChangedData{at, record.oid, record.tid};
      }
      record_at = data_at + record.payload();
    }
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

FirstChange find_first_change(Repository& repository, const std::vector<Piece>& pieces, io::File& source) {
  FirstChange change;
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kSumBlock);
  for (const Piece& piece : pieces) {
    const auto file = open_piece(repository, piece);
    std::optional<std::uint64_t> at;  // of a byte that both have
    try {
      compare(*file, piece, source, {buffer.get(), kSumBlock});
      continue;
    } catch (const Differs& differs) {
      if (differs.in_both) at = differs.at;
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::corrupt || error.path() != file->path()) throw;
    }
    if (!piece.described) return change;
    change.fault = check_piece(*file, piece, Check::sums, {}).fault;
    if (!change.fault.empty()) {
      change.damaged = piece.name.file();
    } else if (at) {
      change.in_data = data_with(source, *at);
    }
    return change;
  }
  return change;
}

}  // namespace repozo
