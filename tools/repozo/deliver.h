// The bytes of a state, checked on their way to a sink or a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/env.h"
#include "repozo/piece_io.h"
#include "repozo/state.h"

namespace repozo {

struct Delivered {
  std::uint64_t size = 0;
  std::string md5;  // of all; only if verbose and not with_md5, for the line that the original prints
};

// In order; blocks that have sums are checked before they are given. Errors: corrupt, naming the piece; those
// of the sink.
Delivered deliver(Repository& repository, const State& state, const RecoverOptions& options, const Sink& sink,
                  const Report& report);

// To an empty file, in all cores where there are block sums. Not durable.
Delivered deliver_to_file(Repository& repository, const State& state, const RecoverOptions& options,
                          io::File& target, const Report& report);

}  // namespace repozo
