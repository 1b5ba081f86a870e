#include "backup/chain_file.h"

#include <algorithm>

#include "base/error.h"

namespace backup {

using base::Error;
using base::ErrorKind;

ChainFile::ChainFile(io::Dir& repository, const repozo::Chain& chain, std::size_t count)
    : repository_(repository), path_(repository.path() + "/" + chain.stamp + "...") {
  std::uint64_t end = 0;
  for (std::size_t number = 0; number < count && number < chain.pieces.size(); ++number) {
    const repozo::Piece& piece = chain.pieces[number];
    const std::string name = piece.name.file();
    const std::string path = repository.path() + "/" + name;
    if (piece.missing) throw Error(ErrorKind::not_found, "read", path, "is missing");
    if (piece.name.gzip) throw Error(ErrorKind::corrupt, "read", path, "is compressed");
    if (piece.start != end || piece.end < piece.start)
      throw Error(ErrorKind::corrupt, "read", path, "does not continue the backup before it");
    if (piece.stored != piece.end - piece.start)
      throw Error(ErrorKind::corrupt, "read", path,
                  "is " + std::to_string(piece.stored) + " bytes, should be " +
                      std::to_string(piece.end - piece.start));
    end = piece.end;
    parts_.push_back({name, piece.start, piece.end, nullptr});
  }
}

io::FileStatus ChainFile::status() {
  io::FileStatus status;
  status.type = io::FileType::regular;
  status.size = parts_.empty() ? 0 : parts_.back().end;
  return status;
}

// One part at a time is open: a chain can have hundreds.
io::File& ChainFile::part_of(std::size_t number) {
  Part& part = parts_[number];
  if (!part.file) {
    parts_[current_].file.reset();
    part.file = repository_.open_file(part.name, io::Access::read);
  }
  current_ = number;
  return *part.file;
}

std::size_t ChainFile::read_some(std::uint64_t offset, std::span<std::byte> into) {
  const auto after = std::upper_bound(parts_.begin(), parts_.end(), offset,
                                      [](std::uint64_t at, const Part& part) { return at < part.end; });
  if (after == parts_.end() || into.empty()) return 0;
  const auto number = static_cast<std::size_t>(after - parts_.begin());
  const Part& part = *after;
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), part.end - offset));
  const std::size_t got = part_of(number).read_some(offset - part.start, into.first(length));
  if (got == 0) throw Error(ErrorKind::corrupt, "read", part.file->path(), "became shorter");
  return got;
}

void ChainFile::refuse() const {
  throw Error(ErrorKind::unsupported, "write", path_, "a backup is only read");
}

}  // namespace backup
