// Where a database is not any more what a repository holds of it, and whether a pack can be the reason.
//
// A pack drops transactions and records, changes statuses, lengths and pointers, and moves what stands
// behind. It never changes the data of a record whose headers, and all that stands before, are as they were;
// whatever does that is damage, now in the database, or then when it was backed up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "filestorage/format.h"
#include "io/env.h"
#include "repozo/chains.h"

namespace repozo {

struct ChangedData {
  std::uint64_t at = 0;  // byte of the database
  filestorage::Oid oid = 0;
  filestorage::Tid tid = 0;
};

struct FirstChange {
  // The backup file with the first byte that differs, if it is not what was backed up itself, by its sums.
  std::string damaged, fault;  // its name, and what is wrong with it
  // Else that byte, if it is inside the data of a record on both sides.
  std::optional<ChangedData> in_data;
};

// Nothing of both: there is no difference, or one as a pack makes it, or there is no sum to tell whose it is.
// The pieces fit together (problem_of). Reads them up to the first difference, and that piece once more.
FirstChange find_first_change(Repository& repository, const std::vector<Piece>& pieces, io::File& source);

}  // namespace repozo
