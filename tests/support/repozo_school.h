// A repository with a history, for tests that harm it: a school's database backed up four times.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/mem_env.h"
#include "support/repozo_run.h"

namespace support {

enum class Packing { plain, gzip };

// The moments of the four backups: a full one and three increments.
inline const std::vector<std::string> kStamps = {"2026-02-01-03-15-00", "2026-02-02-03-15-00",
                                                 "2026-02-03-03-15-00", "2026-02-04-03-15-00"};
// The database at each; each is a prefix of the next. About 25 KB in the end.
const std::vector<std::string>& school_states();

// What ours makes of them, all files; made once.
const Files& school_repository(Packing packing);
// Such a machine: Data.fs as of the last backup, out.fs and out.fs.index of another school, the clock a day
// later.
void put_school(io::MemEnv& mem, Packing packing);
inline const std::string kOldOutput = "the database of before";
inline const std::string kOldIndex = "its index";

// ---- the original's view of a repository, by a second implementation that knows nothing of ours

// The backup files that make up the state as of `date` ("" for the newest), as ZODB's repozo picks them.
std::vector<std::string> files_of_state(const Files& repository, const std::string& date = "");
// Their content put together without any check; empty if there are none; std::runtime_error if one cannot be
// unpacked.
std::optional<std::string> plain_recover(const Files& repository, const std::string& date = "");
// What ZODB's repozo -V says of the newest chain: "" or its first complaint.
std::string plain_verify(const Files& repository);
// The same of each chain that stands there, as if it were the newest one.
std::string plain_verify_all(const Files& repository);

}  // namespace support
