// Putting a database together from a repository.
//
// Everything is checked against the block sums, or else the md5 sums, on the way; a piece that is missing,
// cut or altered is corrupt (not_found for a missing one) and names it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "io/env.h"
#include "repozo/report.h"
#include "repozo/repository.h"

namespace repozo {

struct RecoverOptions {
  std::string date;        // state as of; "" for the newest. Text, compared as reaches() tells
  bool with_md5 = false;   // check by md5 even where there are block sums
  bool no_verify = false;  // check only that all pieces are there, by their sizes and places
};

// Where to: a file in an open folder.
struct Target {
  io::Dir& dir;
  std::string name;
  // Of the new file; empty: those of the file replaced, else of the folder (owner) and `new_mode`.
  std::optional<io::Owner> owner = {};
  std::optional<std::uint32_t> mode = {};
  std::uint32_t new_mode = 0600;
  std::string shown = {};  // in messages; "" for its path
};

struct RecoverResult {
  std::string stamp;       // of the last backup used
  std::uint64_t size = 0;  // bytes of the database
  std::string md5;         // of all of it, if it was asked for (verbose)
  bool index_restored = false;
};

// The new file is written beside the target, checked and synced; only then it takes the target's name, and
// NAME.index is replaced. An index that does not fit the data never stands beside them: the old one is
// removed before the swap. unsafe_path for a target that is no plain file or link, or a name of the
// repository's own files. Durable when it returns; when it throws, the target is what it was (its index may
// be gone, which costs its server a scan).
RecoverResult recover_file(Repository& repository, const Target& target, const RecoverOptions& options,
                           const Report& report = {});

// To any sink, in order. What came before an error has been delivered.
RecoverResult recover_to(Repository& repository, const std::function<void(base::ByteSpan)>& sink,
                         const RecoverOptions& options, const Report& report = {});

}  // namespace repozo
