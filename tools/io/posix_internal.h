// What the parts of the POSIX environment share (posix_env.cc, posix_file.cc, posix_dir.cc,
// posix_process.cc).
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "io/env.h"
#include "io/unique_fd.h"

namespace io::posix {

FileStatus to_status(const struct stat& st);
// "a symbolic link", "a folder", "a FIFO"...: what stands where something else had to be.
std::string describe(FileType type);

// `fd` is open on a regular file.
std::unique_ptr<File> make_file(UniqueFd fd, std::string path);
// The descriptor of a file that make_file() made; unsupported for any other.
int descriptor_of(File& file);

// `fd` is open on a folder, for reading.
std::unique_ptr<Dir> make_dir(UniqueFd fd, std::string path);
// Opens a folder by absolute path as Env::open_dir tells.
std::unique_ptr<Dir> walk_to_dir(const std::string& path, Links links);

// As Env::run tells.
RunResult run_program(const std::vector<std::string>& argv, unsigned timeout_s);

}  // namespace io::posix
