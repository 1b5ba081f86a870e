// What a repository holds: which files make up the database at which moment, and what is known of each.
//
// A chain is a full backup and the increments behind it, up to the next full one. Its pieces are described by
// the .dat file beside the full backup and by the .sums file beside each piece, which say the same.
//
// Two places in which ZODB's repozo takes too much or too little are set right here. An increment that bears
// the stamp of its full backup sorts before it by name; it counts where the .dat has it. And of two pieces
// that begin at the same place only the later one counts: it was made without knowledge of the other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "repozo/dat_file.h"
#include "repozo/names.h"
#include "repozo/repository.h"
#include "repozo/sums_file.h"

namespace repozo {

// One backup file, as .dat and .sums tell of it.
struct Piece {
  BackupName name;
  std::uint64_t start = 0, end = 0;  // bytes of the database that it holds
  std::string md5;                   // of them; "" if nothing tells
  bool described = false;  // start, end and md5 come from .dat or .sums; else from its place and size
  bool in_dat = false;
  bool missing = false;              // named in .dat, but not there
  std::uint64_t stored = 0;          // size of the file; 0 if missing
  std::shared_ptr<const Sums> sums;  // null if there are none
  std::string problem;               // "" or what is wrong with the .sums, as VerifyFault::text
  bool contradicted = false;         // .dat and .sums are both sound in themselves, and say different things

  std::uint64_t size() const { return end - start; }
};

struct Chain {
  std::string stamp;          // of the first file
  std::vector<Piece> pieces;  // in order; the first is a full backup unless `headless`
  bool headless = false;      // increments whose full backup is gone
  bool has_dat = false;
  std::vector<DatLine> lines;  // of the .dat
  std::string problem;         // "" or why the .dat cannot be used: "line 3 does not have four words..."
  bool unfinished = false;     // an increment was being added, and may stand there without its line
  // The increment of which a removal, cut short, has left the data alone; none of the pieces (retention.cc).
  std::optional<BackupName> half_removed;

  const Piece& last() const { return pieces.back(); }
};

// All of them, oldest first. Reads names, .dat and .sums, not the data. Errors: io, unsafe_path.
std::vector<Chain> list_chains(Repository& repository);

// The one that holds the state as of `date` ("": the newest), without what is later. Empty if there is none.
std::optional<Chain> chain_at(Repository& repository, const std::string& date);

// The newest state as ZODB's repozo takes it: what a backup has to build on, since both programs read it.
// Empty if there is none.
std::optional<Chain> newest_chain_by_name(Repository& repository);

// The pieces that together are the database, in order, those that do not count left out.
std::vector<Piece> pieces_that_count(const Chain& chain);

struct PieceProblem {
  std::string name, text;  // of the file, and what is wrong with it: "is missing"
};
// Whether they fit together: none is missing, or has another size on disk than described (a compressed one: a
// smaller one); no gap, no overlap, a full backup at the front. Looks at no data. Empty: they do.
std::optional<PieceProblem> problem_of(const std::vector<Piece>& pieces);

// Whether all of it is there and fits together, with a .dat that can be used: each state that it holds can be
// recovered, as far as one sees without looking at data.
bool is_whole(const Chain& chain);

// Whether a backup of this stamp belongs to the state as of `date`: compared as text, so a shorter date is
// the beginning of that period.
inline bool reaches(const std::string& date, const std::string& stamp) {
  return date.empty() || stamp <= date;
}

}  // namespace repozo
