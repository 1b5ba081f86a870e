#include "io/copy.h"

#include <algorithm>

#include "base/error.h"

namespace io {

namespace {

constexpr std::uint64_t kPiece = 8 << 20;

[[noreturn]] void throw_short(File& source, std::uint64_t end, std::uint64_t length) {
  throw base::Error(base::ErrorKind::corrupt, "copy", source.path(),
                    "ends at " + std::to_string(end) + ", before byte " + std::to_string(length));
}

// Shares the blocks instead of copying them. The source may be growing, so the clone may be longer than asked
// for.
bool clone_prefix(File& source, File& target, std::uint64_t length) {
  if (!target.clone_from(source)) return false;
  const std::uint64_t size = target.status().size;
  if (size < length) throw_short(source, size, length);
  if (size > length) target.truncate(length);
  return true;
}

}  // namespace

void copy_prefix(File& source, File& target, std::uint64_t length, const OnProgress& progress) {
  const std::uint64_t size = source.status().size;
  if (size < length) throw_short(source, size, length);
  if (length > 0 && clone_prefix(source, target, length)) {
    if (progress) progress(length);
    return;
  }
  target.reserve(length);
  std::uint64_t done = 0, started = 0;
  while (done < length) {
    const std::uint64_t copied = target.copy_some(source, done, done, std::min(kPiece, length - done));
    if (copied == 0) throw_short(source, done, length);
    done += copied;
    if (done - started >= kPiece || done == length) {
      target.start_writeback(started, done - started);
      started = done;
      if (progress) progress(done);
    }
  }
}

}  // namespace io
