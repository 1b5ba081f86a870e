// What a backup has to do, decided before anything is written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "io/env.h"
#include "repozo/backup.h"
#include "repozo/chains.h"

namespace repozo {

struct Plan {
  Action action = Action::full;
  std::string reason;
  std::string damage;          // as BackupResult::damage
  std::uint64_t from = 0;      // of an increment
  std::optional<Chain> chain;  // the newest state; none in an empty repository
  std::vector<Piece> pieces;   // that the increment goes behind
  std::unique_ptr<io::File> source;
};

// The decisions are those of ZODB's repozo, with two exceptions, both full backups, as the increment could
// never be recovered: where it would add to a chain that is damaged (a piece missing, cut, or not fitting; a
// .dat that cannot be read), and where it would quickly add to an empty increment, whose sum always matches,
// though the piece before that is not in the source any more. `now` is for messages. Errors as back_up().
Plan make_plan(Repository& repository, const Source& source, const BackupOptions& options,
               const std::string& now, const Report& report);

}  // namespace repozo
