// Where a database's blobs lie, told by what the folder is and not by its name: a package that moves Data.fs
// away may move the blob folder as well, and the server then makes an empty one.
//
// Blob files never change and are named by oid and tid, so a blob folder that merely stayed in place is right
// for the database of before, whatever else came into it; nothing is done about it then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "io/env.h"
#include "upgrade/instances.h"

namespace upgrade {

struct BlobFolder {
  std::string path;         // absolute
  std::uint64_t inode = 0;  // device numbers do not outlive a restart
  bool operator==(const BlobFolder&) const = default;
};

// Empty if the instance has none, it does not exist, or cannot be opened. Never throws an Error: an upgrade
// can go on without knowing.
std::optional<BlobFolder> find_blob_folder(io::Env& env, const Instance& instance);

struct BlobsBack {
  enum class What {
    in_place,  // nothing to do
    put_back,
    gone,   // not in the folder it was in, under whatever name
    failed  // see `problem`
  };
  What what = What::in_place;
  std::string path;          // where the blobs belong
  std::string from;          // put_back: full path it was found under
  std::string displaced_to;  // put_back: full path of what stood in its place; empty if nothing did
  std::string problem;
};
// Gives the folder its name back if it stands beside it under another name; what has the name now is moved
// aside as <name>.<word>-<stamp>, never deleted. Durable when it returns, and safe to repeat. Never throws an
// Error: the database matters more, and a person is told.
BlobsBack put_blobs_back(io::Env& env, const BlobFolder& before, const std::string& word);

}  // namespace upgrade
