// Small databases by number, plain and gzipped, and a data folder in memory for them: what tests of rotation
// need. The gzip here is zlib's, not our own, so that each checks the other.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/mem_env.h"
#include "upgrade/instances.h"
#include "upgrade/names.h"

namespace support::rotation {

inline constexpr io::Owner kSchooltool = {106, 113};
inline constexpr const char* kDataDir = "/var/lib/schooltool";

// A sound database of so many transactions; `school` makes it another one, `payload` larger (bytes in each
// transaction).
std::string database(unsigned school, unsigned transactions = 3, std::size_t payload = 40);
// What a freshly made database holds: one transaction with the root.
std::string blank_database();

// By zlib, as gzip(1) would make it; and its reverse, for any number of members. gunzipped() of something
// damaged is "damaged".
std::string gzipped(const std::string& content);
std::string gunzipped(const std::string& compressed);

// "standard", with Data.fs in kDataDir.
upgrade::Instance standard_instance();
// The folder, and in it each of these files, owned by kSchooltool, mode 0640.
void put_data_folder(io::MemEnv& mem, const std::map<std::string, std::string>& files);
// Content of the generations: "1" -> content of Data.fs.1 or, decompressed, of Data.fs.1.gz. A number that
// has both forms with different content shows as "both differ".
std::map<std::string, std::string> generations(const io::MemEnv& mem);
// Names in the data folder, without Data.fs. itself in front: "0 1.gz 2.gz".
std::string generation_names(const io::MemEnv& mem);

}  // namespace support::rotation
