// Open folders, and the names in them.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <optional>

#include "io/posix_internal.h"

namespace io::posix {

namespace {

FileType type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return FileType::regular;
    case S_IFDIR: return FileType::directory;
    case S_IFLNK: return FileType::symlink;
    case S_IFIFO: return FileType::fifo;
    case S_IFSOCK: return FileType::socket;
    case S_IFCHR: return FileType::char_device;
    case S_IFBLK: return FileType::block_device;
    default: return FileType::unknown;
  }
}

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.back() != '/' ? folder + "/" + name : folder + name;
}

[[noreturn]] void throw_unsafe(const std::string& path, const std::string& reason) {
  throw base::Error(base::ErrorKind::unsafe_path, "open", path, reason);
}

// Of the name itself; empty if there is none.
std::optional<FileStatus> status_at(int folder, const std::string& name, const std::string& path) {
  struct stat st;
  if (retried([&] { return ::fstatat(folder, name.c_str(), &st, AT_SYMLINK_NOFOLLOW); }) == 0) {
    return to_status(st);
  }
  if (errno != ENOENT) throw_errno("read the status of", path, errno);
  return {};
}

FileStatus status_of(int fd, const std::string& path) {
  struct stat st;
  checked("read the status of", path, [&] { return ::fstat(fd, &st); });
  return to_status(st);
}

UniqueFd open_at(int folder, const std::string& name, int flags, const std::string& path) {
  return UniqueFd(
      checked("open", path, [&] { return ::openat(folder, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW); }));
}

// A folder under `folder`; `access` is O_RDONLY, or O_PATH to pass through.
UniqueFd open_dir_at(int folder, const std::string& name, int access, const std::string& path) {
  try {
    return open_at(folder, name, access | O_DIRECTORY, path);
  } catch (const base::Error& error) {
    if (error.sys_errno() != ENOTDIR && error.sys_errno() != ELOOP) throw;
    const auto found = status_at(folder, name, path);
    if (!found || found->type == FileType::directory) throw;
    throw_unsafe(path, "is " + describe(found->type) + ", not a folder");
  }
}

class PosixDir : public Dir {
 public:
  PosixDir(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  const std::string& path() const override { return path_; }

  std::unique_ptr<File> open_file(const std::string& name, Access access) override {
    const std::string path = checked_path(name);
    const auto require_regular = [&](FileType type) {
      if (type != FileType::regular) throw_unsafe(path, "is " + describe(type) + ", not a plain file");
    };
    // The first look keeps us from opening a device, which may act on it. The one that counts is the second,
    // at what was opened: the name may have changed hands meanwhile. O_NONBLOCK: the open of a FIFO does not
    // wait.
    if (const auto found = status_at(fd_.get(), name, path)) require_regular(found->type);
    const int mode = access == Access::read ? O_RDONLY : O_RDWR;
    UniqueFd fd = open_at(fd_.get(), name, mode | O_NONBLOCK | O_NOCTTY, path);
    require_regular(status_of(fd.get(), path).type);
    return make_file(std::move(fd), path);
  }

  std::unique_ptr<File> create_file(const std::string& name, std::uint32_t mode) override {
    const std::string path = checked_path(name);
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
    UniqueFd fd(
        checked("create", path, [&] { return ::openat(fd_.get(), name.c_str(), flags, mode & 0777); }));
    if (status_of(fd.get(), path).mode != mode) {
      if (retried([&] { return ::fchmod(fd.get(), mode); }) == -1) {
        const int number = errno;
        ::unlinkat(fd_.get(), name.c_str(), 0);
        throw_errno("change the mode of", path, number);
      }
    }
    return make_file(std::move(fd), path);
  }

  std::unique_ptr<Dir> open_dir(const std::string& name) override {
    const std::string path = checked_path(name);
    return make_dir(open_dir_at(fd_.get(), name, O_RDONLY, path), path);
  }

  void make_dir(const std::string& name, std::uint32_t mode) override {
    const std::string path = checked_path(name);
    checked("make the folder", path, [&] { return ::mkdirat(fd_.get(), name.c_str(), mode & 0777); });
    // The umask may have taken bits away. Whoever can write here may have put another folder in its place by
    // now: only one of ours is changed.
    const UniqueFd made = open_dir_at(fd_.get(), name, O_RDONLY, path);
    const FileStatus found = status_of(made.get(), path);
    if (found.mode == mode) return;
    if (found.owner.uid != ::geteuid()) throw_unsafe(path, "was replaced by somebody else");
    checked("change the mode of", path, [&] { return ::fchmod(made.get(), mode); });
  }

  std::optional<FileStatus> status(const std::string& name) override {
    return status_at(fd_.get(), name, checked_path(name));
  }
  FileStatus status() override { return status_of(fd_.get(), path_); }

  void set_owner(Owner owner) override {
    checked("change the owner of", path_, [&] { return ::fchown(fd_.get(), owner.uid, owner.gid); });
  }
  void set_mode(std::uint32_t mode) override {
    checked("change the mode of", path_, [&] { return ::fchmod(fd_.get(), mode); });
  }

  std::vector<std::string> list() override {
    // A descriptor of its own, as the position in the folder belongs to the open file.
    UniqueFd fd = open_at(fd_.get(), ".", O_RDONLY | O_DIRECTORY, path_);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), ::closedir);
    if (!stream) throw_errno("list", path_, errno);
    fd.release();
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) throw_errno("list", path_, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  void rename(const std::string& from, Dir& to_dir, const std::string& to, Replace replace) override {
    const std::string from_path = checked_path(from);
    PosixDir& target = same_env(to_dir);
    const std::string to_path = target.checked_path(to);
    const auto attempt = [&](unsigned flags) {
      return retried(
          [&] { return ::renameat2(fd_.get(), from.c_str(), target.fd_.get(), to.c_str(), flags); });
    };
    if (replace == Replace::yes) {
      if (attempt(0) == -1) throw_errno("rename", from_path, errno);
      return;
    }
    if (attempt(RENAME_NOREPLACE) == 0) return;
    if (errno == EEXIST) throw_errno("rename to", to_path, EEXIST);
    if (errno != EINVAL && errno != ENOSYS) throw_errno("rename", from_path, errno);
    // A file system that cannot refuse to replace. A link refuses too, though files only.
    if (retried([&] { return ::linkat(fd_.get(), from.c_str(), target.fd_.get(), to.c_str(), 0); }) == -1) {
      throw_errno("rename", errno == EEXIST ? to_path : from_path, errno);
    }
    remove(from);
  }

  void link(File& file, const std::string& name) override {
    const std::string path = checked_path(name);
    const int from = descriptor_of(file);
    // By descriptor, which is root's right; else through /proc. Neither goes by the file's name.
    int result = retried([&] { return ::linkat(from, "", fd_.get(), name.c_str(), AT_EMPTY_PATH); });
    if (result == -1 && errno == ENOENT) {
      const std::string proc = "/proc/self/fd/" + std::to_string(from);
      result = retried(
          [&] { return ::linkat(AT_FDCWD, proc.c_str(), fd_.get(), name.c_str(), AT_SYMLINK_FOLLOW); });
    }
    if (result == -1) throw_errno("link", path, errno);
  }

  void remove(const std::string& name) override {
    const std::string path = checked_path(name);
    checked("remove", path, [&] { return ::unlinkat(fd_.get(), name.c_str(), 0); });
  }
  void remove_dir(const std::string& name) override {
    const std::string path = checked_path(name);
    checked("remove the folder", path, [&] { return ::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR); });
  }

  void sync() override {
    // EINVAL: the file system has no way to sync a folder, so there is nothing to wait for.
    if (retried([&] { return ::fsync(fd_.get()); }) == -1 && errno != EINVAL) {
      throw_errno("sync", path_, errno);
    }
  }

  Space space() override {
    struct statvfs fs;
    checked("ask for free space of", path_, [&] { return ::fstatvfs(fd_.get(), &fs); });
    return {.free = std::uint64_t{fs.f_bavail} * fs.f_frsize,
            .total = std::uint64_t{fs.f_blocks} * fs.f_frsize};
  }

 private:
  // The path of `name`, after making sure that it is a single component.
  std::string checked_path(const std::string& name) const {
    const bool single =
        !name.empty() && name != "." && name != ".." && name.find_first_of({"/\0", 2}) == std::string::npos;
    if (!single) throw_unsafe(joined(path_, name), "is not a plain name in this folder");
    return joined(path_, name);
  }

  static PosixDir& same_env(Dir& dir) {
    auto* posix_dir = dynamic_cast<PosixDir*>(&dir);
    if (posix_dir == nullptr) {
      throw base::Error(base::ErrorKind::unsupported, "use", dir.path(),
                        "the folder belongs to another environment");
    }
    return *posix_dir;
  }

  static std::unique_ptr<Dir> make_dir(UniqueFd fd, std::string path) {
    return posix::make_dir(std::move(fd), std::move(path));
  }

  UniqueFd fd_;
  std::string path_;
};

}  // namespace

FileStatus to_status(const struct stat& st) {
  return {.type = type_of(st.st_mode),
          .mode = st.st_mode & 07777U,
          .owner = {st.st_uid, st.st_gid},
          .size = static_cast<std::uint64_t>(st.st_size),
          .allocated = static_cast<std::uint64_t>(st.st_blocks) * 512,
          .device = st.st_dev,
          .inode = st.st_ino,
          .links = st.st_nlink,
          .modified = {st.st_mtim.tv_sec, static_cast<std::int32_t>(st.st_mtim.tv_nsec)}};
}

std::string describe(FileType type) {
  switch (type) {
    case FileType::regular: return "a plain file";
    case FileType::directory: return "a folder";
    case FileType::symlink: return "a symbolic link";
    case FileType::fifo: return "a FIFO";
    case FileType::socket: return "a socket";
    case FileType::char_device:
    case FileType::block_device: return "a device";
    case FileType::unknown: break;
  }
  return "of an unknown type";
}

std::unique_ptr<Dir> make_dir(UniqueFd fd, std::string path) {
  return std::make_unique<PosixDir>(std::move(fd), std::move(path));
}

}  // namespace io::posix
