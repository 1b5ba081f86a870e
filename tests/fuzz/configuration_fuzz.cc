// One input as our own configuration, and as the zeo.conf of an instance: whatever it says, instances are
// found or problems told, and nothing is thrown but what the headers say.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "cli/ini.h"
#include "io/mem_env.h"
#include "upgrade/instances.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  io::MemEnv mem;
  mem.put_file("/etc/schooltool/standard/zeo.conf", text);
  mem.put_file("/etc/schooltool/another/schooltool.conf", text);
  upgrade::find_instances(mem, "/etc/schooltool", {});
  try {
    upgrade::find_instances(mem, "/etc/schooltool", cli::parse_ini(text, "our.conf"));
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::usage) std::abort();
  }
  return 0;
}
