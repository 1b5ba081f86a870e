// What stands where in a blob archive, so that one blob is found in a few reads among millions, and so that
// archives can be compared with a database without a name in memory.
//
// The file: numbers are unsigned and big-endian, digests XXH3-128 in canonical form.
//
//   header    0  8   magic "SDBBLOB1"
//             8  8   number of entries
//            16  8   size of the archive in bytes
//            24 16   tid and oid of the first entry
//            40 16   tid and oid of the last entry
//            56 16   digest of all entries
//            72 16   digest of the archive: also of what lies between the blobs
//            88 16   digest of the 88 bytes before
//   entry     0 16   tid, oid
//            16  8   size of the blob
//            24  8   offset of its first byte in the archive
//            32 16   digest of the blob
//
// Entries rise by (tid, oid), each once. Example, the entry of 300 bytes of oid 0x42 behind the header of the
// first member:
//
//   0398f868121ff2dd 0000000000000042 000000000000012c 0000000000000200 <digest>
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/xxh128.h"
#include "filestorage/blob_layout.h"
#include "io/env.h"

namespace backup {

using filestorage::BlobKey;

using Digest = std::array<std::byte, 16>;
Digest digest_of(const base::Xxh128& hasher);

struct ManifestEntry {
  BlobKey key;
  std::uint64_t size = 0, offset = 0;
  Digest digest{};
};

inline constexpr std::uint64_t kManifestHeaderSize = 104;
inline constexpr std::uint64_t kManifestEntrySize = 48;

// Writes into an empty file; entries as they come, the header last.
class ManifestWriter {
 public:
  explicit ManifestWriter(io::File& file) : file_(file) {}
  // Keys rise strictly.
  void add(const ManifestEntry& entry);
  // Not durable: the caller syncs.
  void finish(std::uint64_t archive_size, const Digest& archive_digest);

 private:
  void flush();
  io::File& file_;
  std::vector<std::byte> buffer_;
  std::uint64_t written_ = 0;  // entries' bytes
  std::uint64_t count_ = 0;
  BlobKey first_, last_;
  base::Xxh128 hasher_;
};

// Looks entries up in a manifest that is open. Cheap if the keys asked for rise, right in any order.
class Manifest {
 public:
  // Reads the header. Error(corrupt) if it is none, is damaged, or does not fit the file's size.
  explicit Manifest(std::unique_ptr<io::File> file);

  std::uint64_t count() const { return count_; }
  std::uint64_t archive_size() const { return archive_size_; }
  const Digest& archive_digest() const { return archive_digest_; }
  const BlobKey& first() const { return first_; }
  const BlobKey& last() const { return last_; }
  ManifestEntry entry(std::uint64_t number);
  std::optional<ManifestEntry> find(const BlobKey& key);
  // Reads all entries: their digest, their order, and that their bytes follow each other inside the archive.
  // Error(corrupt).
  void check();

 private:
  void load(std::uint64_t number);
  BlobKey key_at(std::uint64_t number) { return entry(number).key; }

  std::unique_ptr<io::File> file_;
  std::uint64_t count_ = 0, archive_size_ = 0;
  BlobKey first_, last_;
  Digest entries_digest_{}, archive_digest_{};
  std::vector<std::byte> block_;  // entries from block_start_ on
  std::uint64_t block_start_ = 0, block_count_ = 0;
};

}  // namespace backup
