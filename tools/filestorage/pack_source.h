// What packing and planning a pack have in common: the file they start from, and the progress they tell.
#pragma once

#include <cstdint>

#include "filestorage/pack.h"
#include "io/env.h"

namespace filestorage {

// Offset behind the last complete transaction of a file of `size` bytes. Error(corrupt) if it is no
// FileStorage, or if whole transactions stand behind the place where the chain breaks: a pack would drop
// them.
std::uint64_t complete_end(io::File& file, std::uint64_t size);
bool is_fs30(io::File& file);

// Error(corrupt) that names them, if there are some and they are not allowed.
void refuse_dangling(io::File& file, const Selection& selection, bool allowed);
// PackOutcome::packed: as far as can be told so far.
PackOutcome outcome_of(const Selection& selection);
// A packed file is not larger. May read the headers of the part up to the pack time once more.
std::uint64_t size_bound(io::File& file, const Selection& selection);

// The passes as one progress.
class PackSteps {
 public:
  PackSteps(const PackRequest& request, std::uint64_t end);
  // Those of the request, with the progress of the selection.
  const PackOptions& options() const { return options_; }
  const io::OnProgress& copying() const { return copying_; }
  // All is copied. Like every report of progress, a moment at which whoever listens may throw.
  void copied() const {
    if (copying_) copying_(end_);
  }

 private:
  PackOptions options_;
  io::OnProgress copying_;
  std::uint64_t end_;
};

}  // namespace filestorage
