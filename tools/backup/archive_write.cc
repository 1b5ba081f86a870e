#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "backup/archive.h"
#include "backup/names.h"
#include "base/error.h"

namespace backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kFlushAt = 1024 * 1024;
constexpr std::uint64_t kWorthFilling = 64 << 20;

}  // namespace

// libarchive makes the headers; the bytes go through a buffer of ours, so that the place of each is known.
struct ArchiveWriter::Tar {
  explicit Tar(io::File& target) : file(target), writer(archive_write_new(), archive_write_free) {
    if (!writer) throw std::bad_alloc();
    // Headers as every tar reads them; extensions only where a number does not fit.
    check(archive_write_set_format_pax_restricted(writer.get()));
    check(archive_write_set_bytes_per_block(writer.get(), 0));
    check(archive_write_open2(writer.get(), this, nullptr, on_write, nullptr, nullptr));
  }

  // Whatever was not committed is an archive that nobody will read: what libarchive writes at its end goes
  // nowhere. It would fill up a member that is not finished, for nothing; only if it is told that the archive
  // failed it does not, but then never releases a few bytes of its own.
  ~Tar() {
    over = true;
    if (missing > kWorthFilling) archive_write_fail(writer.get());
  }
  Tar(const Tar&) = delete;
  Tar& operator=(const Tar&) = delete;

  // To libarchive every write succeeds; check() tells the caller of one that did not, and what follows it
  // goes nowhere.
  static la_ssize_t on_write(archive* /*writer*/, void* self, const void* bytes, std::size_t length) {
    auto& tar = *static_cast<Tar*>(self);
    if (tar.over) return static_cast<la_ssize_t>(length);
    try {  // an exception must not pass through C code
      const auto* from = static_cast<const std::byte*>(bytes);
      tar.buffer.insert(tar.buffer.end(), from, from + length);
      if (tar.buffer.size() >= kFlushAt) tar.flush();
    } catch (...) {
      tar.thrown = std::current_exception();
      tar.over = true;
    }
    return static_cast<la_ssize_t>(length);
  }

  void flush() {
    if (buffer.empty()) return;
    file.write_full(flushed, buffer);
    hasher.update(buffer);
    file.start_writeback(flushed, buffer.size());
    flushed += buffer.size();
    buffer.clear();
  }
  std::uint64_t position() const { return flushed + buffer.size(); }

  void check(int result) {
    if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
    if (result == ARCHIVE_OK || result == ARCHIVE_WARN) return;
    const char* text = archive_error_string(writer.get());
    throw Error(ErrorKind::io, "archive", file.path(), text != nullptr ? text : "libarchive failed");
  }

  // Returns the offset of the member's first byte.
  std::uint64_t begin(const std::string& path, std::uint64_t size, const io::FileStatus& status) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                         archive_entry_free);
    if (!entry) throw std::bad_alloc();
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    archive_entry_set_perm(entry.get(), static_cast<__LA_MODE_T>(status.mode & 0777));
    archive_entry_set_uid(entry.get(), status.owner.uid);
    archive_entry_set_gid(entry.get(), status.owner.gid);
    archive_entry_set_mtime(entry.get(), status.modified.seconds, 0);
    check(archive_write_header(writer.get(), entry.get()));
    missing = size;
    return position();
  }
  void data(base::ByteSpan bytes) {
    const la_ssize_t written = archive_write_data(writer.get(), bytes.data(), bytes.size());
    check(written < 0 ? static_cast<int>(written) : ARCHIVE_OK);
    if (static_cast<std::size_t>(written) != bytes.size())
      throw Error(ErrorKind::io, "archive", file.path(), "libarchive wrote less than it was given");
    missing -= bytes.size();
  }
  void end_member() { check(archive_write_finish_entry(writer.get())); }
  void close() {
    check(archive_write_close(writer.get()));
    flush();
  }

  io::File& file;
  std::vector<std::byte> buffer;
  std::uint64_t flushed = 0;
  base::Xxh128 hasher;        // of what is flushed
  std::uint64_t missing = 0;  // of the member at work
  bool over = false;
  std::exception_ptr thrown;
  std::unique_ptr<archive, int (*)(archive*)> writer;
};

ArchiveWriter::ArchiveWriter(io::Dir& repository, const std::string& stamp, filestorage::BlobLayout layout,
                             io::Env& env)
    : layout_(layout),
      archive_(repository, archive_name(stamp), env),
      list_(repository, manifest_name(stamp), env),
      manifest_(list_.file()),
      tar_(std::make_unique<Tar>(archive_.file())) {
  io::FileStatus marker;
  marker.mode = 0644;
  marker.modified = env.now();
  const std::string word = to_string(layout);
  tar_->begin(filestorage::kBlobLayoutName, word.size(), marker);
  tar_->data(base::as_bytes(word));
  tar_->end_member();
}

ArchiveWriter::~ArchiveWriter() = default;

std::uint64_t ArchiveWriter::count() const {
  return count_;
}
std::uint64_t ArchiveWriter::bytes() const {
  return bytes_;
}

void ArchiveWriter::add(const BlobKey& key, io::File& blob) {
  const io::FileStatus before = blob.status();
  ManifestEntry entry;
  entry.key = key;
  entry.size = before.size;
  entry.offset = tar_->begin(filestorage::blob_path(layout_, key), before.size, before);
  base::Xxh128 hasher;
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, before.size)));
  for (std::uint64_t at = 0; at < before.size;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), before.size - at));
    const std::size_t got = blob.read_full(at, std::span(piece).first(wanted));
    if (got != wanted)
      throw Error(ErrorKind::corrupt, "read", blob.path(), "became shorter while it was read");
    hasher.update(std::span(piece).first(got));
    tar_->data(std::span(piece).first(got));
    at += got;
  }
  tar_->end_member();
  const io::FileStatus after = blob.status();
  if (after.size != before.size || after.modified != before.modified)
    throw Error(ErrorKind::corrupt, "read", blob.path(), "changed while it was read");
  blob.drop_cache(0, before.size);
  entry.digest = digest_of(hasher);
  manifest_.add(entry);
  ++count_;
  bytes_ += before.size;
}

void ArchiveWriter::commit() {
  tar_->close();
  manifest_.finish(tar_->position(), digest_of(tar_->hasher));
  archive_.seal({0, 0}, 0600);
  list_.seal({0, 0}, 0600);
  archive_.commit(io::Replace::no);
  list_.commit(io::Replace::no);
}

}  // namespace backup
