// The part of check() that compares Data.fs.index with the data.
#pragma once

#include "filestorage/check.h"
#include "filestorage/index.h"

namespace filestorage {

// Every entry, where ZODB itself looks at five. An index that is merely older than the data is right if it
// was right when it was written; for that the data are read once more. `positions` is the whole index of the
// data, `structure` what their scan found.
void check_index(io::File& index, io::File& data, const ScanResult& structure, const Index& positions,
                 const CheckOptions& options, const OnProblem& told);

}  // namespace filestorage
