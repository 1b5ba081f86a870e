#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "backup/archive.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

namespace backup {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::size_t kPiece = 256 * 1024;

[[noreturn]] void refuse(io::File& archive, const std::string& why) {
  throw Error(ErrorKind::corrupt, "read", archive.path(), why);
}

// A tar reader over a File. It gets nothing but the file's bytes in order, and bounded pieces of them.
class TarReader {
 public:
  TarReader(io::File& file, const io::OnProgress& progress)
      : file_(file), progress_(progress), reader_(archive_read_new(), archive_read_free), buffer_(kPiece) {
    if (!reader_) throw std::bad_alloc();
    check(archive_read_support_format_tar(reader_.get()));
    check(archive_read_open(reader_.get(), this, nullptr, on_read, nullptr));
  }

  archive_entry* next() {
    archive_entry* entry = nullptr;
    const int result = archive_read_next_header(reader_.get(), &entry);
    if (result == ARCHIVE_EOF) return nullptr;
    check(result);
    return entry;
  }
  // Of the whole archive, read to its end.
  Digest digest() {
    const void* bytes = nullptr;
    while (read(&bytes) != 0) {
    }
    return digest_of(hasher_);
  }
  // Passes the data of the member to `sink`; false for a member with holes.
  bool data(const std::function<void(base::ByteSpan)>& sink) {
    std::uint64_t expected = 0;
    for (;;) {
      const void* bytes = nullptr;
      std::size_t length = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(reader_.get(), &bytes, &length, &offset);
      if (result == ARCHIVE_EOF) return true;
      check(result);
      if (static_cast<std::uint64_t>(offset) != expected) return false;
      sink({static_cast<const std::byte*>(bytes), length});
      expected += length;
    }
  }

 private:
  static la_ssize_t on_read(archive* reader, void* self, const void** bytes) {
    auto& tar = *static_cast<TarReader*>(self);
    try {  // an exception must not pass through C code
      return static_cast<la_ssize_t>(tar.read(bytes));
    } catch (...) {
      tar.thrown_ = std::current_exception();
      archive_set_error(reader, EIO, "%s", "read failed");
      return -1;
    }
  }

  std::size_t read(const void** bytes) {
    const std::size_t got = file_.read_full(offset_, buffer_);
    offset_ += got;
    hasher_.update(std::span(buffer_).first(got));
    *bytes = buffer_.data();
    if (progress_) progress_(offset_);
    return got;
  }

  // A warning is damage too: our own archives give none.
  void check(int result) {
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    if (result == ARCHIVE_OK) return;
    const char* text = archive_error_string(reader_.get());
    refuse(file_,
           text != nullptr ? "is no whole tar archive: " + base::quoted(text) : "is no whole tar archive");
  }

  io::File& file_;
  const io::OnProgress& progress_;
  std::exception_ptr thrown_;
  std::unique_ptr<archive, int (*)(archive*)> reader_;
  std::vector<std::byte> buffer_;
  std::uint64_t offset_ = 0;
  base::Xxh128 hasher_;
};

std::string path_in(archive_entry* entry) {
  const char* path = archive_entry_pathname(entry);
  return path != nullptr ? path : "";
}

filestorage::BlobLayout read_layout(TarReader& tar, io::File& archive) {
  archive_entry* entry = tar.next();
  if (entry == nullptr || path_in(entry) != filestorage::kBlobLayoutName || archive_entry_size(entry) > 5)
    refuse(archive, "does not begin with the layout of the blobs");
  std::string word;
  if (!tar.data([&](base::ByteSpan bytes) { word += base::as_text(bytes); })) refuse(archive, "is damaged");
  for (const auto layout : {filestorage::BlobLayout::bushy, filestorage::BlobLayout::lawn}) {
    if (word == to_string(layout)) return layout;
  }
  refuse(archive, "names a layout that is not known");
}

}  // namespace

void check_archive(io::File& archive, Manifest& manifest, const io::OnProgress& progress) {
  if (archive.status().size != manifest.archive_size())
    refuse(archive, "is " + std::to_string(archive.status().size) + " bytes, should be " +
                        std::to_string(manifest.archive_size()));
  manifest.check();
  TarReader tar(archive, progress);
  const filestorage::BlobLayout layout = read_layout(tar, archive);
  for (std::uint64_t number = 0; number < manifest.count(); ++number) {
    const ManifestEntry expected = manifest.entry(number);
    const std::string path = filestorage::blob_path(layout, expected.key);
    archive_entry* entry = tar.next();
    if (entry == nullptr) refuse(archive, "ends before " + path);
    if (path_in(entry) != path || archive_entry_filetype(entry) != AE_IFREG ||
        archive_entry_hardlink(entry) != nullptr ||
        archive_entry_size(entry) != static_cast<la_int64_t>(expected.size))
      refuse(archive, "holds " + base::quoted(path_in(entry)) + " in the place of " + path);
    base::Xxh128 hasher;
    const bool whole = tar.data([&](base::ByteSpan bytes) { hasher.update(bytes); });
    if (!whole || digest_of(hasher) != expected.digest) refuse(archive, path + " in it is damaged");
  }
  if (tar.next() != nullptr) refuse(archive, "holds more than its list names");
  if (tar.digest() != manifest.archive_digest()) refuse(archive, "is damaged beside its blobs");
}

void read_blob(io::File& archive, const ManifestEntry& entry,
               const std::function<void(base::ByteSpan)>& sink) {
  base::Xxh128 hasher;
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, entry.size)));
  for (std::uint64_t at = 0; at < entry.size;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), entry.size - at));
    if (archive.read_full(entry.offset + at, std::span(piece).first(wanted)) != wanted)
      refuse(archive, "is cut off");
    hasher.update(std::span(piece).first(wanted));
    sink(std::span(piece).first(wanted));
    at += wanted;
  }
  if (digest_of(hasher) != entry.digest)
    refuse(archive, "the blob at byte " + std::to_string(entry.offset) + " is damaged");
}

}  // namespace backup
