// The packs that the real programs made of the databases in tests/data/fs, one by one.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "filestorage/pack.h"
#include "io/mem_env.h"

namespace support {

inline constexpr const char* kPackDir = "/data";
inline constexpr io::Owner kPackOwner{107, 111};

struct PackStep {
  std::string folder;       // "fs/fs30-school"
  std::string name;         // of the case: "week1.gc", and the step's number
  nlohmann::json expected;  // of the step
};

// A machine with the folder's Data.fs, its index and a Data.fs.old, as for the real program.
void put_database(io::MemEnv& mem, const std::string& folder);
// Its blob folder, /data/blobs.
void put_blobs(io::MemEnv& mem, const std::string& folder);
// A line "path size MD5 links=N" for each file below, "path/" for an empty folder. The forms of
// expected.json, but for the modes, which depend on who unpacked the fixture.
std::set<std::string> folder_lines(const io::MemEnv& mem, const std::string& top);
std::set<std::string> expected_lines(const nlohmann::json& list);
filestorage::PackRequest request_of(const nlohmann::json& step);

// Every case of every folder: a machine of its own, and its steps in order. `run` packs and judges.
void for_each_pack(const std::function<void(io::MemEnv&, const PackStep&)>& run);

// The MD5 of the index that the real program saved in the end; empty if the case changed nothing.
std::string index_md5_of(const std::string& folder, const std::string& name);

}  // namespace support
