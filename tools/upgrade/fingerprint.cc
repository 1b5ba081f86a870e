#include "upgrade/fingerprint.h"

#include <algorithm>
#include <array>
#include <vector>

namespace upgrade {

namespace {

constexpr std::size_t kPiece = 256 * 1024;  // stays in the second-level cache

}  // namespace

Fingerprint fingerprint_of(const filestorage::ScanResult& scan, const io::FileStatus& status) {
  Fingerprint fingerprint;
  fingerprint.size = scan.end;
  fingerprint.transactions = scan.transactions;
  fingerprint.records = scan.records;
  fingerprint.objects = scan.objects;
  fingerprint.first_tid = scan.first_tid;
  fingerprint.last_tid = scan.last_tid;
  fingerprint.xxh128 = scan.digests.empty() ? std::string() : scan.digests.back();
  fingerprint.owner = status.owner;
  fingerprint.mode = status.mode;
  return fingerprint;
}

filestorage::ScanResult scan_whole(io::File& file, std::uint64_t limit, std::uint64_t also,
                                   filestorage::Index* tids, const io::OnProgress& progress) {
  // To ZODB also an empty file ends behind the magic, but there is no magic to be read.
  if (file.status().size == 0) limit = 0;
  filestorage::Index own;
  filestorage::ScanOptions options;
  options.limit = limit;
  options.tids = tids != nullptr ? tids : &own;
  if (also > 0 && also < limit) options.digest_points.push_back(also);
  options.digest_points.push_back(limit);
  options.on_progress = progress;
  return filestorage::scan(file, options);
}

bool holds_nothing(const filestorage::ScanResult& scan) {
  return scan.transactions == 0 || (scan.transactions == 1 && scan.records <= 1);
}

bool holds_nothing(const Fingerprint& fingerprint) {
  return fingerprint.transactions == 0 || (fingerprint.transactions == 1 && fingerprint.records <= 1);
}

namespace {

std::uint64_t number_at(io::File& file, std::uint64_t offset) {
  std::array<std::byte, 8> bytes{};
  return file.read_full(offset, bytes) == bytes.size() ? base::load_be<std::uint64_t>(bytes.data()) : 0;
}

}  // namespace

base::Tid first_tid(io::File& file) {
  return number_at(file, 4);
}

base::Tid last_tid(io::File& file, std::uint64_t end) {
  if (end < 16) return 0;
  const std::uint64_t length = number_at(file, end - 8);  // the last transaction's, without these 8 bytes
  return length <= end - 8 ? number_at(file, end - 8 - length) : 0;
}

bool only_zeros(io::File& file, std::uint64_t from) {
  std::vector<std::byte> piece(kPiece);
  for (;;) {
    const std::size_t got = file.read_full(from, piece);
    if (got == 0) return true;
    const auto end = piece.begin() + static_cast<std::ptrdiff_t>(got);
    if (std::any_of(piece.begin(), end, [](std::byte b) { return b != std::byte{0}; })) return false;
    from += got;
  }
}

std::uint64_t common_prefix(io::File& one, io::File& other, std::uint64_t limit) {
  std::vector<std::byte> left(kPiece), right(kPiece);
  std::uint64_t offset = 0;
  while (offset < limit) {
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, limit - offset));
    const std::size_t got_left = one.read_full(offset, std::span(left).first(want));
    const std::size_t got_right = other.read_full(offset, std::span(right).first(want));
    const std::size_t both = std::min(got_left, got_right);
    const auto end = left.begin() + static_cast<std::ptrdiff_t>(both);
    const auto differs = std::mismatch(left.begin(), end, right.begin()).first;
    offset += static_cast<std::uint64_t>(differs - left.begin());
    if (differs != end || both < want) break;
  }
  return std::min(offset, limit);
}

}  // namespace upgrade
