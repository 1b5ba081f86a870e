// Salvaging one input: what is written has been scanned and is whole, or it is refused.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "filestorage/salvage.h"
#include "io/mem_env.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  io::MemEnv mem;
  mem.put_file("/d/Data.fs", std::string(reinterpret_cast<const char*>(data), size));
  const auto dir = mem.open_dir("/d", io::Links::refuse);
  const auto from = dir->open_file("Data.fs", io::Access::read);
  std::uint64_t told = 0;
  try {
    const filestorage::SalvageReport report = filestorage::salvage(
        *from, *dir, "saved.fs", mem, {}, [&](const filestorage::Loss& loss) { told += loss.length; });
    if (told < report.bytes_lost || report.bytes_lost > size) std::abort();
  } catch (const base::Error& error) {
    if (error.reason() == "what was written is not whole") std::abort();
  }
  return 0;
}
