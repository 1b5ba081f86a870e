// A whole check of one input as a database: the scan, the references, the walk over records.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "filestorage/chain_check.h"
#include "filestorage/check.h"
#include "support/bytes_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  support::BytesFile file(std::string(reinterpret_cast<const char*>(data), size));
  filestorage::CheckOptions options;
  options.all_revisions = true;
  std::uint64_t told = 0;
  const filestorage::CheckReport report =
      filestorage::check(file, options, [&](const filestorage::Problem&) { ++told; });
  if (told != report.problems()) std::abort();
  filestorage::find_end(file, size);
  filestorage::ChainCheck chain;
  chain.update({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
