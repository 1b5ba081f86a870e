// Which generations stay. Pure: given what is there, decides; rotate.h carries it out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "upgrade/names.h"

namespace upgrade {

struct StoredGeneration {
  Generation generation;
  std::uint64_t allocated = 0;  // bytes on disk that removing it gives back
  bool good = false;            // known to hold a whole, non-blank database; unknown is not good
};

struct RetentionRules {
  unsigned keep = 7;           // at most so many
  unsigned keep_min = 2;       // never fewer good ones
  std::uint64_t min_free = 0;  // bytes to be free afterwards
};

// The generations to remove, oldest first. What is counted is numbers: one that exists both plain and
// compressed is one generation, good if either form is, and goes or stays as a whole.
//
// The oldest go first: as many as there are beyond `keep`; then further ones while less than min_free would
// be free. A number that may not go is passed over, and the next older than the rest goes instead:
//   - .0 never goes;
//   - a good one stays if without it fewer than keep_min good ones would be left, or none (the only good copy
//   is never
//     pruned, keep_min 0 included), even if it is older than damaged ones: those go in its place;
//   - nothing goes if without it fewer than keep_min would be left, good or not (a damaged copy is better
//   than none).
// So keep_min wins over keep and over min_free.
std::vector<Generation> plan_retention(std::vector<StoredGeneration> stored, std::uint64_t free_now,
                                       const RetentionRules& rules);

}  // namespace upgrade
