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
  std::uint64_t from = 0;      // of an increment
  std::optional<Chain> chain;  // the newest state; none in an empty repository
  std::vector<Piece> pieces;   // that the increment goes behind
  std::unique_ptr<io::File> source;
};

// The decisions are those of ZODB's repozo, with one exception: where it would add to a chain that is damaged
// (a piece missing, cut, or not fitting; a .dat that cannot be read), this is a full backup, as the increment
// could never be recovered. `now` is for messages. Errors as back_up().
Plan make_plan(Repository& repository, const Source& source, const BackupOptions& options,
               const std::string& now, const Report& report);

}  // namespace repozo
