#include "filestorage/format.h"
#include "filestorage/probe.h"
#include "filestorage/scan.h"

namespace filestorage {

std::uint64_t find_end(io::File& file, std::uint64_t size) {
  const FileKind kind = probe_magic(file, size);
  if (kind == FileKind::other) return 0;
  if (kind == FileKind::empty || size == kMagicSize) return kMagicSize;
  if (ends_with_transaction(file, size)) return size;
  // A running server between vote and finish, the common case that is not clean.
  const std::optional<ProbedTransaction> last = transaction_ending_at(file, size);
  if (last && last->header.status == 'c') {
    if (last->position == kMagicSize || ends_with_transaction(file, last->position)) return last->position;
  }
  ScanOptions options;
  options.limit = size;
  options.records = false;
  return scan(file, options).end;
}

}  // namespace filestorage
