#include "repozo/piece_io.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "io/gzip.h"
#include "repozo/isal_inflater.h"
#include "repozo/md5_thread.h"

namespace repozo {

namespace {

// Compares blocks with their sums as the bytes go by.
class BlockCheck {
 public:
  explicit BlockCheck(const Sums& sums) : sums_(sums) {}
  void update(base::ByteSpan bytes) { summer_.update(bytes); }
  // The first block that differs; empty if none does.
  std::optional<std::uint64_t> finish() {
    const std::vector<Sum> found = summer_.finish();
    for (std::size_t at = 0; at < sums_.blocks.size(); ++at) {
      if (at >= found.size() || found[at] != sums_.blocks[at]) return at;
    }
    return std::nullopt;
  }

 private:
  const Sums& sums_;
  BlockSummer summer_;
};

// As read_piece() of a plain file; the md5's own buffers save a copy.
std::uint64_t read_plain(io::File& file, std::uint64_t size, Md5Thread* md5, const Sink& take) {
  std::unique_ptr<std::byte[]> own;
  if (md5 == nullptr) own = std::make_unique_for_overwrite<std::byte[]>(kSumBlock);
  std::uint64_t done = 0;
  while (done < size) {
    const std::span<std::byte> buffer =
        md5 != nullptr ? md5->buffer() : std::span<std::byte>(own.get(), kSumBlock);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - done));
    const std::size_t got = file.read_full(done, buffer.first(wanted));
    if (got == 0) break;
    done += got;
    take(buffer.first(got));
    if (md5 != nullptr) md5->submit(got);
  }
  return done;
}

}  // namespace

std::string wrong_size(const Piece& piece, std::uint64_t found) {
  return "is " + std::to_string(found) + " bytes" + (piece.name.gzip ? " (when uncompressed)" : "") +
         ", should be " + std::to_string(piece.size()) + " bytes";
}

std::string damaged_block(const Piece& piece, std::uint64_t block) {
  const std::uint64_t start = block * kSumBlock, end = std::min(start + kSumBlock, piece.size());
  return "is damaged in block " + std::to_string(block) + " (bytes " + std::to_string(start) + " to " +
         std::to_string(end) + (piece.name.gzip ? " when uncompressed)" : ")");
}

std::unique_ptr<io::File> open_piece(Repository& repository, const Piece& piece) {
  return repository.dir().open_file(piece.name.file(), io::Access::read);
}

std::uint64_t read_piece(io::File& file, const BackupName& name, std::uint64_t limit, const Sink& sink) {
  std::uint64_t done = 0;
  if (name.gzip) {
    const auto faster = make_isal_inflater();
    io::gzip_decompress(
        file, limit,
        [&](base::ByteSpan bytes) {
          done += bytes.size();
          sink(bytes);
        },
        faster.get());
    return done;
  }
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kSumBlock);
  while (done < limit) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kSumBlock, limit - done));
    const std::size_t got = file.read_full(done, {buffer.get(), wanted});
    if (got == 0) break;
    done += got;
    sink({buffer.get(), got});
  }
  return done;
}

std::string check_block(io::File& file, const Piece& piece, std::uint64_t block, std::span<std::byte> buffer,
                        base::ByteSpan& bytes) {
  const std::uint64_t start = block * kSumBlock;
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kSumBlock, piece.size() - start));
  bytes = buffer.first(file.read_full(start, buffer.first(length)));
  const bool good = bytes.size() == length && sum_of(bytes) == piece.sums->blocks[block];
  return good ? "" : damaged_block(piece, block);
}

Checked check_piece(io::File& file, const Piece& piece, Check check, const Sink& sink) {
  Checked result;
  const std::uint64_t stored = file.status().size;
  if (!piece.name.gzip && piece.described && stored != piece.size()) {
    result.size = stored;
    result.fault = wrong_size(piece, stored);
    return result;
  }
  const bool by_sums = check == Check::sums && piece.sums;
  std::optional<BlockCheck> blocks;
  if (by_sums) blocks.emplace(*piece.sums);
  std::unique_ptr<Md5Thread> md5;
  if (check != Check::size && !by_sums) md5 = std::make_unique<Md5Thread>();
  const auto take = [&](base::ByteSpan bytes) {
    if (blocks) blocks->update(bytes);
    if (sink) sink(bytes);
  };
  if (piece.name.gzip) {
    // Where the bytes go somewhere, not one more than there should be.
    const std::uint64_t most = sink && piece.described ? piece.size() : io::gzip_largest_content(stored);
    try {
      result.size = read_piece(file, piece.name, most, [&](base::ByteSpan bytes) {
        if (md5) md5->update(bytes);
        take(bytes);
      });
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::corrupt || error.path() != file.path()) throw;
      result.fault = "is damaged: " + error.reason();
      return result;
    }
  } else {
    result.size = read_plain(file, stored, md5.get(), take);
  }
  if (md5) result.md5 = md5->finish();
  if (piece.described && result.size != piece.size()) {
    result.fault = wrong_size(piece, result.size);
  } else if (const auto bad = blocks ? blocks->finish() : std::nullopt) {
    result.fault = damaged_block(piece, *bad);
  } else if (md5 && piece.described && result.md5 != piece.md5) {
    result.fault = "has checksum " + result.md5 + (piece.name.gzip ? " (when uncompressed)" : "") +
                   " instead of " + piece.md5;
  }
  return result;
}

}  // namespace repozo
