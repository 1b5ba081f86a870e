// Reading back one backup piece that was just written.
#pragma once

#include "io/env.h"
#include "repozo/chains.h"

namespace backup {

// Compares the file with its block sums, or else its md5. Error(corrupt) if it is not what was written.
void check_piece(io::Dir& repository, const repozo::Piece& piece);

}  // namespace backup
