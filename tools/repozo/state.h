// The state of a database that is to be recovered: its pieces, and how far they can be checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "filestorage/chain_check.h"
#include "repozo/chains.h"
#include "repozo/recover.h"
#include "repozo/report.h"

namespace repozo {

struct State {
  Chain chain;
  std::vector<Piece> pieces;  // those that count; none is missing once check_state() has looked at them
  bool by_structure = false;  // nothing describes some piece: the whole must be a sound FileStorage

  std::uint64_t size() const { return pieces.back().end; }  // not known with compressed, undescribed pieces
  bool size_known() const;
};

// Tells the files (-v). not_found if there are no backups.
State find_state(Repository& repository, const RecoverOptions& options, const Report& report);
// Looks at names, sizes and descriptions, not at data. Errors: not_found (a piece is missing), corrupt
// (pieces that do not fit together, or descriptions that contradict each other; with options.with_md5 also a
// .dat that is missing, cannot be read, or does not name a piece). With options.no_verify only that all
// pieces are there, have the size that is told, and fit together.
void check_state(Repository& repository, State& state, const RecoverOptions& options, const Report& report);

// For what is wrong with one backup file: message "PATH TEXT".
base::Error piece_error(Repository& repository, base::ErrorKind kind, const std::string& name,
                        const std::string& text);

}  // namespace repozo
