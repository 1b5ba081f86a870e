// Open regular files.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <algorithm>

#include "io/posix_internal.h"

namespace io::posix {

namespace {

// An offset above 2^63 becomes negative, which the kernel refuses with EINVAL.
off_t to_off(std::uint64_t offset) {
  return static_cast<off_t>(offset);
}

constexpr std::size_t kCopyBuffer = 256 * 1024;
// What is written in larger pieces gets larger units of the page cache, and those are what the host of a
// virtual machine takes back first: fetching them again can take ten times as long as the copy. Smaller
// pieces are slower everywhere.
constexpr std::size_t kMostAtOnce = 256 * 1024;

class PosixFile : public File {
 public:
  PosixFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  int descriptor() const { return fd_.get(); }
  const std::string& path() const override { return path_; }

  std::size_t read_some(std::uint64_t offset, std::span<std::byte> into) override {
    return static_cast<std::size_t>(
        checked("read", path_, [&] { return ::pread(fd_.get(), into.data(), into.size(), to_off(offset)); }));
  }

  std::size_t write_some(std::uint64_t offset, base::ByteSpan bytes) override {
    bytes = bytes.first(std::min(bytes.size(), kMostAtOnce));
    return static_cast<std::size_t>(checked(
        "write", path_, [&] { return ::pwrite(fd_.get(), bytes.data(), bytes.size(), to_off(offset)); }));
  }

  std::uint64_t copy_some(File& source, std::uint64_t source_offset, std::uint64_t offset,
                          std::uint64_t length) override {
    const int from = descriptor_of(source);
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(length, 1U << 30));
    const ssize_t copied = retried([&] {
      off_t in = to_off(source_offset), out = to_off(offset);
      return ::copy_file_range(from, &in, fd_.get(), &out, piece, 0);
    });
    if (copied > 0) return static_cast<std::uint64_t>(copied);
    if (copied < 0) {
      const bool cannot = errno == EXDEV || errno == ENOSYS || errno == EINVAL || errno == EOPNOTSUPP ||
                          errno == EPERM;  // EPERM: a sandbox that does not know the call
      if (!cannot) throw_errno("copy to", path_, errno);
    }
    // Also when nothing was copied: some file systems say so in the middle of a file.
    return copy_through_buffer(source, source_offset, offset, length);
  }

  bool clone_from(File& source) override {
    if (retried([&] { return ::ioctl(fd_.get(), FICLONE, descriptor_of(source)); }) == 0) return true;
    switch (errno) {
      case EOPNOTSUPP:
      case EXDEV:
      case EINVAL:
      case ENOTTY:
      case ENOSYS: return false;
      default: throw_errno("clone to", path_, errno);
    }
  }

  FileStatus status() override {
    struct stat st;
    checked("read the status of", path_, [&] { return ::fstat(fd_.get(), &st); });
    return to_status(st);
  }

  void set_owner(Owner owner) override {
    checked("change the owner of", path_, [&] { return ::fchown(fd_.get(), owner.uid, owner.gid); });
  }

  void set_mode(std::uint32_t mode) override {
    checked("change the mode of", path_, [&] { return ::fchmod(fd_.get(), mode); });
  }

  void set_modified(base::UtcTime time) override {
    const timespec times[2] = {{0, UTIME_OMIT}, {time.seconds, time.nanoseconds}};
    checked("set the time of", path_, [&] { return ::futimens(fd_.get(), times); });
  }

  void truncate(std::uint64_t size) override {
    checked("truncate", path_, [&] { return ::ftruncate(fd_.get(), to_off(size)); });
  }

  void reserve(std::uint64_t size) override {
    if (size == 0) return;
    if (retried([&] { return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, 0, to_off(size)); }) == 0) return;
    if (errno != EOPNOTSUPP && errno != ENOSYS) throw_errno("reserve space for", path_, errno);
  }

  // Hints, so no errors: what went wrong with the data, sync() will tell.
  void start_writeback(std::uint64_t offset, std::uint64_t length) override {
    ::sync_file_range(fd_.get(), to_off(offset), to_off(length), SYNC_FILE_RANGE_WRITE);
  }
  void drop_cache(std::uint64_t offset, std::uint64_t length) override {
    ::posix_fadvise(fd_.get(), to_off(offset), to_off(length), POSIX_FADV_DONTNEED);
  }

  bool try_lock() override {
    if (retried([&] { return ::flock(fd_.get(), LOCK_EX | LOCK_NB); }) == 0) return true;
    if (errno != EWOULDBLOCK) throw_errno("lock", path_, errno);
    return false;
  }

  void sync() override {
    // The kernel tells of lost writes once. After that a further fsync() succeeds though the data is gone, so
    // we remember.
    if (sync_failed_ != 0) throw_errno("sync", path_, sync_failed_);
    if (retried([&] { return ::fsync(fd_.get()); }) == -1) {
      sync_failed_ = errno;
      throw_errno("sync", path_, sync_failed_);
    }
  }

  void close() override {
    if (!fd_) return;
    // Never again after EINTR: Linux has closed the descriptor by then, and the number may belong to another
    // file.
    if (::close(fd_.release()) == -1 && errno != EINTR) throw_errno("close", path_, errno);
  }

 private:
  std::uint64_t copy_through_buffer(File& source, std::uint64_t source_offset, std::uint64_t offset,
                                    std::uint64_t length) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(length, kCopyBuffer));
    const auto buffer = std::make_unique_for_overwrite<std::byte[]>(piece);
    const std::size_t count = source.read_some(source_offset, {buffer.get(), piece});
    write_full(offset, {buffer.get(), count});
    return count;
  }

  UniqueFd fd_;
  std::string path_;
  int sync_failed_ = 0;
};

}  // namespace

std::unique_ptr<File> make_file(UniqueFd fd, std::string path) {
  return std::make_unique<PosixFile>(std::move(fd), std::move(path));
}

int descriptor_of(File& file) {
  const auto* posix_file = dynamic_cast<PosixFile*>(&file);
  if (posix_file == nullptr) {
    throw base::Error(base::ErrorKind::unsupported, "use", file.path(),
                      "the file belongs to another environment");
  }
  return posix_file->descriptor();
}

}  // namespace io::posix
