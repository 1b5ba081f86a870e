#include "upgrade/remove_exactly.h"

#include <string>

#include "base/error.h"
#include "io/atomic_file.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

void put_back(io::Dir& dir, const std::string& temporary, const std::string& data_name,
              Generation generation) {
  for (;; ++generation.number) {
    try {
      return dir.rename(temporary, dir, generation_name(data_name, generation), io::Replace::no);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::exists) throw;
    }
  }
}

}  // namespace

bool is_same_version(const io::FileStatus& one, const io::FileStatus& other) {
  return one.same_file(other) && one.size == other.size && one.modified == other.modified;
}

bool remove_exactly(io::Env& env, DataFolder& folder, Generation generation, const io::FileStatus& status) {
  io::Dir& dir = folder.dir();
  const std::string name = generation_name(folder.data_name(), generation);
  const auto named = dir.status(name);
  if (!named || !is_same_version(*named, status)) return false;
  const std::string temporary = io::temporary_name(name, env);
  try {
    dir.rename(name, dir, temporary, io::Replace::no);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    return false;
  }
  const auto taken = dir.status(temporary);
  if (!taken) return false;
  if (!is_same_version(*taken, status)) {
    put_back(dir, temporary, folder.data_name(), generation);
    dir.sync();
    return false;
  }
  dir.remove(temporary);
  return true;
}

}  // namespace upgrade
