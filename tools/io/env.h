// The boundary to the operating system: every file operation, the clock, random numbers and child
// processes go through Env, so that tests can run in memory, fail any operation, or cut the power.
//
//   Env::open_dir -> Dir -> open_file / create_file -> File
//
// A folder is opened once, and names are resolved under it, one component at a time, never through
// a link. Implementations: posix_env.h (the real one), mem_env.h (in memory, with a model of what
// survives a power cut), hooked_env.h (a hook before each operation: faults, refusals, counting).
//
// All functions throw base::Error (kinds as base::Error::from_errno tells; unsafe_path where a link, device,
// FIFO or folder stands where a plain file has to be). Nothing is durable until sync() of the file and of the
// folder that names it have returned. Objects may be used by one thread at a time, but for File's read_some,
// which any number may call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/utc_time.h"

namespace io {

enum class FileType { regular, directory, symlink, fifo, socket, char_device, block_device, unknown };

struct Owner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool operator==(const Owner&) const = default;
};

struct FileStatus {
  FileType type = FileType::unknown;
  std::uint32_t mode = 0;  // permission bits, 07777
  Owner owner;
  std::uint64_t size = 0;       // bytes
  std::uint64_t allocated = 0;  // bytes on disk
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 1;
  base::UtcTime modified;

  bool same_file(const FileStatus& other) const { return device == other.device && inode == other.inode; }
};

// Of the file system that holds a folder, in bytes, as root sees it (reserved blocks not counted as free).
struct Space {
  std::uint64_t free = 0;
  std::uint64_t total = 0;
};

// An open regular file. The destructor closes and cannot report; a writer calls sync() and close().
class File {
 public:
  virtual ~File() = default;
  // For messages only; never opened again.
  virtual const std::string& path() const = 0;

  // Primitives: may do less than asked, as the system calls do. 0 from read_some is the end of the file.
  virtual std::size_t read_some(std::uint64_t offset, std::span<std::byte> into) = 0;
  virtual std::size_t write_some(std::uint64_t offset, base::ByteSpan bytes) = 0;
  // Copies up to `length` bytes inside the kernel where it can, through a buffer elsewhere. Returns the bytes
  // copied; 0 at the end of `source`. Both files belong to the same Env.
  virtual std::uint64_t copy_some(File& source, std::uint64_t source_offset, std::uint64_t offset,
                                  std::uint64_t length) = 0;
  // Makes this empty file share all blocks of `source`; false where the file system cannot.
  virtual bool clone_from(File& source) = 0;

  virtual FileStatus status() = 0;
  virtual void set_owner(Owner owner) = 0;
  virtual void set_mode(std::uint32_t mode) = 0;
  virtual void set_modified(base::UtcTime time) = 0;
  virtual void truncate(std::uint64_t size) = 0;
  // Reserves space for `size` bytes without changing the size; no_space if there is not enough. A file system
  // that cannot reserve answers nothing.
  virtual void reserve(std::uint64_t size) = 0;
  // Hints: start writing this range to disk now; do not keep it in the cache.
  virtual void start_writeback(std::uint64_t offset, std::uint64_t length) = 0;
  virtual void drop_cache(std::uint64_t offset, std::uint64_t length) = 0;
  // flock(2), exclusive, without waiting; false if another open file holds it. Gone at close.
  virtual bool try_lock() = 0;
  // Content, size, owner and mode are durable when it returns. The name is not: sync the folder.
  virtual void sync() = 0;
  virtual void close() = 0;

  // All of it, looping over the primitives. read_full returns fewer bytes only at the end of the file.
  std::size_t read_full(std::uint64_t offset, std::span<std::byte> into);
  void write_full(std::uint64_t offset, base::ByteSpan bytes);
};

enum class Access { read, read_write };
enum class Replace { no, yes };

// An open folder. Names are single components: "", ".", ".." and anything with a slash or NUL are refused
// (unsafe_path).
class Dir {
 public:
  virtual ~Dir() = default;
  virtual const std::string& path() const = 0;

  // A regular file, never through a link and never waiting (a FIFO or device is unsafe_path, checked on the
  // open descriptor). Absent: not_found.
  virtual std::unique_ptr<File> open_file(const std::string& name, Access access) = 0;
  // A new file of this mode (no umask), owned by us, opened for reading and writing; exists if the name is
  // taken by anything.
  virtual std::unique_ptr<File> create_file(const std::string& name, std::uint32_t mode) = 0;
  virtual std::unique_ptr<Dir> open_dir(const std::string& name) = 0;
  virtual void make_dir(const std::string& name, std::uint32_t mode) = 0;

  // Of the name itself (a link is not followed); empty if absent.
  virtual std::optional<FileStatus> status(const std::string& name) = 0;
  // Of the folder.
  virtual FileStatus status() = 0;
  virtual void set_owner(Owner owner) = 0;
  virtual void set_mode(std::uint32_t mode) = 0;
  // All names but "." and "..", sorted by byte value.
  virtual std::vector<std::string> list() = 0;

  // Within one file system. With Replace::no an existing target is exists, atomically. As rename(2): if both
  // are names of one file, nothing happens and both stay.
  virtual void rename(const std::string& from, Dir& to_dir, const std::string& to, Replace replace) = 0;
  // A further name, in this folder, for the very file that is open; exists if taken. io (EXDEV, EPERM...)
  // where the file system has no hard links.
  virtual void link(File& file, const std::string& name) = 0;
  virtual void remove(const std::string& name) = 0;      // a file, link or the like
  virtual void remove_dir(const std::string& name) = 0;  // an empty folder
  // Names made, renamed and removed in this folder are durable when it returns.
  virtual void sync() = 0;
  virtual Space space() = 0;
};

// Which links in the path of a folder that an administrator configured may be followed.
enum class Links {
  refuse,        // none
  administrator  // those owned by root that stand in a folder which only root can write
};

struct RunResult {
  int exit_status = 0;  // 128 + signal if killed by one; 127 if it could not be started; 124 on timeout
  std::string output;   // standard output and error, at most the first 64 KiB
};

class Env {
 public:
  virtual ~Env() = default;
  // By absolute path, component by component. unsafe_path for a link that `links` does not allow.
  virtual std::unique_ptr<Dir> open_dir(const std::string& path, Links links) = 0;

  virtual base::UtcTime now() = 0;
  virtual std::uint64_t random() = 0;
  virtual void sleep_ms(unsigned milliseconds) = 0;
  // argv[0] is an absolute path; no shell, environment reduced to PATH, LC_ALL=C, HOME and DPKG_ variables,
  // stdin /dev/null, folder "/", no other open files. A program that runs longer than `timeout_s` seconds is
  // killed with its process group. A daemon it leaves behind is not waited for.
  virtual RunResult run(const std::vector<std::string>& argv, unsigned timeout_s) = 0;
  virtual std::int64_t process_id() = 0;
};

// Opens `path` (absolute), making the folders that are missing below the first existing one, mode 0700 for
// the last and 0755 for the others. Each new folder is durable when it returns.
std::unique_ptr<Dir> open_or_make_dir(Env& env, const std::string& path, Links links);

}  // namespace io
