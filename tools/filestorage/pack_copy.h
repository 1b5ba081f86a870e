// Writing the packed file, as ZODB's pack writes it, byte for byte.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "filestorage/pack_output.h"
#include "filestorage/pack_select.h"
#include "filestorage/pack_walk.h"

namespace filestorage {

// A record from before the pack time that is not kept. The reader may be used for its data (data_of).
using OnDropped = std::function<void(const PackRecord& record, FarReader& far)>;

struct PackCounts {
  std::uint64_t records_kept = 0, records_dropped = 0;  // of the part that was packed
  std::uint64_t transactions_kept = 0, transactions_dropped = 0;
};

// The part up to the pack time. Afterwards selection.graph.objects is the new index (its nodes are gone), and
// output.position() the length; if that is selection.packpos, nothing was gained. `dropped` may be empty.
PackCounts copy_packed(io::File& source, Selection& selection, PackOutput& output, const OnDropped& dropped,
                       const io::OnProgress& progress);

// The part behind it, unchanged but for positions; completes the index. A back pointer is led to the record
// of the same data in the transaction it named. Error(corrupt) where that is not to be found: with
// PackFlaws::copied in all cases in which ZODB's pack fails.
void copy_rest(io::File& source, Selection& selection, PackFlaws flaws, PackOutput& output,
               const io::OnProgress& progress);

}  // namespace filestorage
