// One input as an index file; what is read must come out again when it is written.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "filestorage/index_file.h"
#include "support/bytes_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  support::BytesFile file(std::string(reinterpret_cast<const char*>(data), size));
  std::string why;
  const auto loaded = filestorage::read_index(file, why);
  if (!loaded) return why.empty() ? std::abort(), 0 : 0;
  support::BytesFile written;
  filestorage::write_index(written, loaded->positions, loaded->position, filestorage::IndexDialect::protocol3,
                           filestorage::IndexStrings::python3);
  const auto again = filestorage::read_index(written, why);
  if (!again || again->position != loaded->position || again->positions.size() != loaded->positions.size())
    std::abort();
  support::BytesFile empty;
  filestorage::index_is_believable(empty, 0, *loaded, why);
  return 0;
}
