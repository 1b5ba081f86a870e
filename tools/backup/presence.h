// Whether the files of a backup are there, by their names and sizes alone; verify.h reads them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "backup/record.h"
#include "io/env.h"
#include "repozo/chains.h"

namespace backup {

// The pieces that make up the state of a record: so many of a chain, from its full backup on.
struct RecordedPieces {
  const repozo::Chain* chain = nullptr;  // one of those given
  std::size_t count = 0;                 // 0: the last piece is not there, or is not the one recorded
};
RecordedPieces pieces_of(const Record& record, const std::vector<repozo::Chain>& chains);

// "" if all of them are there and fit together, and so are the archives with their lists; else the first that
// is not: "2026-11-23-03-15-00.blobs.tar is missing".
std::string what_lacks(io::Dir& repository, const std::vector<repozo::Chain>& chains, const Record& record);

}  // namespace backup
