// Reading tar files in tests, by libarchive's own reader.
#pragma once

#include <map>
#include <string>

namespace support {

// Regular members and what they hold, by their path. Fails the test at a damaged archive.
std::map<std::string, std::string> untar(const std::string& bytes);

}  // namespace support
