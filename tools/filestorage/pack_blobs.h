// What a pack does in the blob folder: the files of records that it did not keep go; with old files to be
// kept, "blobs.old" beside it becomes what the folder was before.
//
//   PackBlobs blobs(env, path, data_dir's name...);   // finishes or forgets what an interrupted pack left
//   blobs.prepare(dropped, index, new_file, keep_old);  // durable before the new data file is put into place
//   ... the new data file is in place, durably ...
//   blobs.finish();
//
// prepare() writes the journal "blobs/.removed", with the lines of ZODB's own (an oid, or an oid and a tid,
// in hex) and above them one that names the packed file by its inode and content. A later run that finds it
// compares: if the database is that file, the pack went through, and its removals are finished; if not, it
// never did, and nothing is removed. A ".removed" without that line is ZODB's own leftover and means nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "filestorage/blob_layout.h"
#include "filestorage/dropped_blobs.h"
#include "filestorage/index.h"
#include "io/env.h"

namespace filestorage {

class PackBlobs {
 public:
  // `path` is absolute. `data` is the database as it is now. Under the database's lock.
  PackBlobs(io::Env& env, const std::string& path, io::File& data);

  // `index` is that of the packed file: an object that has records behind the pack time keeps their files,
  // else its whole folder goes. `packed` is the new data file, complete and sealed, before its rename.
  void prepare(const std::vector<DroppedBlob>& dropped, const Index& index, io::File& packed, bool keep_old);
  void finish();
  // Files removed, of this pack or an interrupted one.
  std::uint64_t removed() const { return removed_; }

 private:
  struct Journal;
  std::optional<Journal> read_journal();
  void carry_out(const Journal& journal);
  void remove_object(Oid oid);
  void remove_revision(const BlobKey& key);
  void swap_old(const std::string& temporary);
  std::string link_all();
  void sweep();

  io::Env& env_;
  std::string name_;  // of the folder
  std::unique_ptr<io::Dir> parent_, blobs_;
  BlobLayout layout_;
  std::uint64_t removed_ = 0;
  bool prepared_ = false;
};

}  // namespace filestorage
