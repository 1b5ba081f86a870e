// Bringing the blobs of a live folder in line with a database. Blobs never change and are named by object and
// transaction, so a folder that holds more than one database needs is right for each of them: what is missing
// is added before a database is swapped in, what is left over is moved aside after.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backup/blob_folder.h"
#include "backup/key_list.h"
#include "backup/stored_blobs.h"
#include "io/copy.h"
#include "io/env.h"

namespace backup {

// Where blobs come from that are not in the live folder, the first that has one.
struct BlobSources {
  BlobFolder* aside = nullptr;    // moved aside by an earlier restore: its files are moved back
  StoredBlobs* stored = nullptr;  // archives, in `repository`
  io::Dir* repository = nullptr;
  BlobLayout layout = BlobLayout::bushy;  // of a folder that has to be made
};

// Adds those of `keys` that are not in `live`, each as a private temporary that is checked, given the owner
// of the folder and the modes ZODB gives, synced and renamed. A file of another size than the archive says
// counts as one to add; it is kept with ".damaged" behind its name. Durable when it returns. What is in no
// source is passed over. Returns the number added.
std::uint64_t add_blobs(io::Env& env, KeyList& keys, BlobFolder& live, const BlobSources& sources,
                        const io::OnProgress& progress);

struct Surplus {
  std::uint64_t moved = 0;
  // Not moved, for the blob folder is a file system of its own, and `aside` is not in it. They do no harm.
  std::uint64_t left = 0;
};

// Moves the files of `before` that are not in `after` from `live` to the same place in `aside`, which is made
// if need be, with the layout marker. Files that are moved already are passed over. Durable when it returns.
Surplus move_surplus(io::Env& env, KeyList& before, KeyList& after, BlobFolder& live,
                     const std::string& aside);

// The blob folder at `path`; made, with its marker, if it is absent or was left half made. Durable when it
// returns.
std::unique_ptr<BlobFolder> open_or_make_blob_folder(io::Env& env, const std::string& path, BlobLayout layout,
                                                     io::Owner owner, std::uint32_t mode);

}  // namespace backup
