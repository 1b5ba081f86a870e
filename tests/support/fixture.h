// Test data under tests/data: files as they are, unpacked if only NAME.xz is there, and folders with their
// expected.json.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace support {

// The content of tests/data/`name`, or of `name`.xz, unpacked if it is an .xz file. Throws std::runtime_error
// if neither is there.
std::string read_fixture(const std::string& name);
// tests/data/`folder`/expected.json.
nlohmann::json read_expected(const std::string& folder);
// The folders in tests/data/`parent`, as "parent/name", sorted.
std::vector<std::string> fixture_folders(const std::string& parent);

// The MD5 in hex.
std::string md5_hex(const std::string& bytes);

}  // namespace support
