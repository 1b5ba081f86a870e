// Whether a database still begins with what a repository holds of it.
#pragma once

#include <vector>

#include "io/env.h"
#include "repozo/chains.h"
#include "repozo/report.h"

namespace repozo {

// Compares byte by byte, in all cores; at the speed at which files are read from memory, or gzip data
// unpacked. The pieces fit together (problem_of). The end of one that nothing describes is set. Empty: all
// bytes are the same.
struct Difference {
  std::string name;   // of the piece
  std::string fault;  // "" if it is only other than the source; else what is wrong with it in itself
};
std::optional<Difference> compare_with_source(Repository& repository, std::vector<Piece>& pieces,
                                              io::File& source, const Report& report);

}  // namespace repozo
