// Making an increment part of its chain, so that no crash leaves a repository that lies to anybody.
//
// Two names have to change: the data get theirs, and the .dat a line more. ZODB's repozo counts a piece as
// soon as its data have a name, and believes the last line of the .dat when it is asked to be quick; so
// whichever of both came first, a crash between them would let it build a wrong increment: with data and no
// line one that doubles bytes, with a line and no data one behind a hole, and neither is noticed. Therefore
// the .dat is away while the data come:
//
//   1. 2013-...dat is renamed to 2013-...dat-before, which the original ignores
//   2. the data get their name
//   3. the new .dat gets its name, complete
//   4. .dat-before is removed
//
// each durable before the next. Between 1 and 3 the original finds no .dat: -V and -R -w say so, -R gives the
// state before or after, -B -Q makes a full backup. Ours reads .dat-before instead, and .sums tells of a
// piece that no line names; so it sees the state before or after, whole. The next backup finishes what was
// begun.
#pragma once

#include <string>
#include <vector>

#include "io/atomic_file.h"
#include "repozo/dat_file.h"
#include "repozo/repository.h"

namespace repozo {

// `data` is sealed; `lines` are those of the new .dat, the last one of this increment. Durable when it
// returns. If it throws, what can be taken back is taken back.
void add_increment(Repository& repository, io::AtomicFile& data, const std::string& chain,
                   const std::vector<DatLine>& lines, std::uint32_t mode);

// What a crash interrupted, is brought to its end; what was begun for a chain that is gone since, is removed.
// Needs the lock.
void finish_interrupted(Repository& repository);

}  // namespace repozo
