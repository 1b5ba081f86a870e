#include "backup/piece_check.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/md5.h"
#include "io/atomic_file.h"
#include "repozo/sums_file.h"

namespace backup {

namespace {

constexpr std::size_t kPiece = 1 << 20;
constexpr std::size_t kLargestSums = 256 << 20;  // of a piece of 16 TB

std::optional<repozo::Sums> load_sums(io::Dir& repository, const repozo::Piece& piece) {
  const std::string name = repozo::sums_name(piece.name.stamp);
  if (!repository.status(name)) return std::nullopt;
  auto sums = repozo::decode_sums(io::read_small_file(repository, name, kLargestSums));
  const bool fits = sums && sums->name == piece.name && sums->start == piece.start &&
                    sums->end == piece.end && sums->md5 == piece.md5;
  return fits ? std::move(sums) : std::nullopt;
}

}  // namespace

void check_piece(io::Dir& repository, const repozo::Piece& piece) {
  const auto file = repository.open_file(piece.name.file(), io::Access::read);
  const std::uint64_t size = file->status().size;
  const auto sums = load_sums(repository, piece);
  repozo::BlockSummer blocks;
  base::Md5 md5;
  file->drop_cache(0, size);
  std::vector<std::byte> buffer(kPiece);
  for (std::uint64_t at = 0; at < size;) {
    const std::size_t got = file->read_full(at, buffer);
    if (got == 0) break;
    if (sums) {
      blocks.update(std::span(buffer).first(got));
    } else {
      md5.update(std::span(buffer).first(got));
    }
    at += got;
  }
  const bool right =
      size == piece.end - piece.start && (sums ? blocks.finish() == sums->blocks : md5.hex() == piece.md5);
  if (right) return;
  throw base::Error(base::ErrorKind::corrupt, "check", file->path(), "is not what was written")
      .with_hint("the disk may be failing; the older backups stand");
}

}  // namespace backup
