// One input as a .dat file; what is read must come out again when it is written.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "repozo/dat_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<repozo::DatLine> lines;
  try {
    lines = repozo::parse_dat(text, "a.dat");
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) std::abort();
    return 0;
  }
  std::string written;
  for (const repozo::DatLine& line : lines) written += repozo::dat_line(line);
  const auto again = repozo::parse_dat(written, "a.dat");
  if (again.size() != lines.size()) std::abort();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (again[i].start != lines[i].start || again[i].end != lines[i].end || again[i].md5 != lines[i].md5) {
      std::abort();
    }
  }
  return 0;
}
