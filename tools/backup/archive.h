// The archive of new blobs: a plain POSIX tar, uncompressed. Members are named by their path below the blob
// folder, so `tar -x` of all archives of a repository in order gives a blob folder back; in the order of
// their keys, each with the owner, mode and time of the blob's file. The first member is .layout.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "backup/manifest.h"
#include "filestorage/blob_layout.h"
#include "io/atomic_file.h"
#include "io/copy.h"
#include "io/env.h"

namespace backup {

// Writes an archive and its manifest.
//
//   ArchiveWriter out(repository, stamp, layout, env);
//   out.add(key, *blob);       // keys rise
//   out.commit();
//
// Both are temporaries until commit(); without it they go.
class ArchiveWriter {
 public:
  ArchiveWriter(io::Dir& repository, const std::string& stamp, filestorage::BlobLayout layout, io::Env& env);
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  // Error(corrupt) if the file changes while it is read.
  void add(const BlobKey& key, io::File& blob);
  std::uint64_t count() const;
  std::uint64_t bytes() const;  // of the blobs so far
  // The archive first, then the manifest: both durable when it returns. Error(exists) if one is there.
  void commit();

 private:
  struct Tar;
  filestorage::BlobLayout layout_;
  io::AtomicFile archive_, list_;
  ManifestWriter manifest_;
  std::unique_ptr<Tar> tar_;
  std::uint64_t count_ = 0, bytes_ = 0;
};

// Reads the whole archive with a tar reader and compares each member with the manifest, name, size and
// digest, and then all bytes with the digest of the archive. Error(corrupt) naming the first that differs.
void check_archive(io::File& archive, Manifest& manifest, const io::OnProgress& progress);

// The bytes of one blob, in pieces. Error(corrupt) if they are not those of the manifest; what came before
// that is to be thrown away.
void read_blob(io::File& archive, const ManifestEntry& entry,
               const std::function<void(base::ByteSpan)>& sink);

}  // namespace backup
