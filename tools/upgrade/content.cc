#include "upgrade/content.h"

#include <vector>

#include "base/error.h"
#include "base/xxh128.h"
#include "filestorage/chain_check.h"
#include "io/gzip.h"

namespace upgrade {

namespace {

constexpr std::size_t kPiece = 256 * 1024;  // stays in the second-level cache

class Reading {
 public:
  void update(base::ByteSpan piece) {
    digest_.update(piece);
    check_.update(piece);
  }
  Content result() const {
    Content content;
    content.readable = true;
    content.length = check_.size();
    content.xxh128 = digest_.hex();
    content.whole = check_.whole();
    content.good = content.whole && (check_.transactions() > 1 || check_.records() > 1);
    content.last_tid = check_.last_tid();
    return content;
  }

 private:
  base::Xxh128 digest_;
  filestorage::ChainCheck check_;
};

}  // namespace

Content read_plain(io::File& file, const io::OnProgress& progress) {
  Reading reading;
  std::vector<std::byte> buffer(kPiece);
  std::uint64_t position = 0;
  while (const std::size_t got = file.read_full(position, buffer)) {
    reading.update(std::span(buffer).first(got));
    position += got;
    if (progress) progress(position);
  }
  return reading.result();
}

Content read_compressed(io::File& file, std::uint64_t limit) {
  Reading reading;
  try {
    io::gzip_decompress(file, limit, [&](base::ByteSpan piece) { reading.update(piece); });
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;
    Content content;
    content.why = error.reason();
    return content;
  }
  return reading.result();
}

}  // namespace upgrade
