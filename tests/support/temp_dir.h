// A folder of its own for a test on the real file system, removed with everything in it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace support {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  // Absolute, without links in it.
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// Whole content of a file; fails the test (and gives "") if it cannot be read.
std::string slurp(const std::string& path);
// Makes or replaces a file.
void spill(const std::string& path, std::string_view content);
// `size` bytes that do not compress, the same for the same seed.
std::string noise(std::size_t size, unsigned seed);

}  // namespace support
