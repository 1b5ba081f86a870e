#include "filestorage/lost_tail.h"

#include <algorithm>
#include <array>

#include "filestorage/format.h"
#include "filestorage/probe.h"
#include "filestorage/window.h"

namespace filestorage {

namespace {

bool all_zero(base::ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

// Cheap enough for every byte: a length that fits, and a status that counts.
bool may_be_header(const std::byte* at, std::uint64_t rest) {
  const char status = std::to_integer<char>(at[16]);
  return base::load_be<std::uint64_t>(at + 8) < rest && (status == ' ' || status == 'p' || status == 'u');
}

// A whole transaction of status 'c' is passed over; there cannot be one inside it.
std::uint64_t search_start(io::File& file, std::uint64_t broken, std::uint64_t size) {
  std::array<std::byte, kTransactionHeaderSize> bytes;
  if (file.read_full(broken, bytes) != bytes.size()) return broken;
  const TransactionHeader header = load_transaction_header(bytes.data());
  if (header.status != 'c' || header.length > size - broken || size - broken - header.length < kTrailerSize)
    return broken;
  const std::uint64_t end = broken + header.length + kTrailerSize;
  const std::optional<ProbedTransaction> last = transaction_ending_at(file, end);
  return last && last->position == broken ? end : broken;
}

}  // namespace

LostTail find_lost_tail(io::File& file, std::uint64_t broken, std::uint64_t size) {
  LostTail result;
  Window window(file, size, {}, {});
  std::uint64_t position = search_start(file, broken, size);
  result.only_zeros = position == broken;
  while (position < window.size()) {
    const auto wanted = std::min<std::uint64_t>(kTransactionHeaderSize, window.size() - position);
    const base::ByteSpan bytes = window.view(position, static_cast<std::size_t>(wanted));
    if (bytes.empty()) break;
    result.only_zeros = result.only_zeros && all_zero(bytes);
    if (bytes.size() < kTransactionHeaderSize) break;
    const std::size_t candidates = bytes.size() - (kTransactionHeaderSize - 1);
    for (std::size_t i = 0; i < candidates && !result.only_zeros; ++i) {
      const std::uint64_t at = position + i;
      if (!may_be_header(bytes.data() + i, window.size() - at) || at == broken) continue;
      if (is_transaction_at(file, at, window.size())) {
        result.transaction = at;
        return result;
      }
    }
    position += candidates;
  }
  if (!result.only_zeros) {
    const std::optional<ProbedTransaction> last = transaction_ending_at(file, window.size());
    if (last && last->has_records && last->position > broken && last->header.status != 'c') {
      result.transaction = last->position;
      result.displaced = true;
    }
  }
  return result;
}

}  // namespace filestorage
