// repozo run on a machine in memory: in the folder /school, which holds Data.fs, the repository "repo" and
// what is recovered.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/mem_env.h"

namespace support {

inline constexpr const char* kRepozoDir = "/school";
inline constexpr const char* kRepoDir = "/school/repo";

// Name -> content.
using Files = std::map<std::string, std::string>;

struct RepozoRun {
  int status = 0;
  std::string out, err;
};

// Runs `repozo WORDS...`; anything but a power cut that it throws fails the test.
RepozoRun run_repozo(io::Env& env, const std::vector<std::string>& words);
// The same at a moment, "2013-02-07-03-15-00" (UTC).
RepozoRun run_repozo_at(io::MemEnv& mem, const std::string& stamp, const std::vector<std::string>& words);
// Of such a moment.
base::UtcTime stamp_time(const std::string& stamp);

// The regular files of a folder; none if it is absent.
Files files_in(const io::MemEnv& mem, const std::string& folder);
// Makes the folder hold just these.
void put_files(io::MemEnv& mem, const std::string& folder, const Files& files);

// What ours keeps in a repository beside the original's files, which the original ignores: the lock and the
// block checksums.
bool is_lock_name(const std::string& name);
bool is_sums_name(const std::string& name);
inline bool is_extra_name(const std::string& name) {
  return is_lock_name(name) || is_sums_name(name);
}
// Those of the original.
Files without_extras(Files files);

// Unpacks all members as gzip(1) does; std::runtime_error if it is damaged.
std::string unpacked(const std::string& name, const std::string& content);

}  // namespace support
