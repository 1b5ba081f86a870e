// Opening a folder by path, with a say in which links are followed.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include <array>

#include "base/text.h"
#include "io/posix_internal.h"

namespace io::posix {

namespace {

constexpr unsigned kMostLinks = 40;  // as the kernel

// The way from "/" to a folder, each step open. ".." goes back along this way, not to where a folder may have
// been moved meanwhile.
class Walk {
 public:
  Walk(std::string path, Links links) : path_(std::move(path)), links_(links) {
    if (path_.empty() || path_.front() != '/' || path_.find('\0') != std::string::npos) {
      throw base::Error(base::ErrorKind::usage, "open", path_, "is not an absolute path");
    }
    to_root();
    push(path_);
  }

  UniqueFd finish() {
    while (!todo_.empty()) {
      const std::string name = std::move(todo_.back());
      todo_.pop_back();
      step(name);
    }
    // The steps were only passed through; this one is for reading and syncing.
    const std::string& path = steps_.back().path;
    return UniqueFd(checked("open", path, [&] {
      return ::openat(steps_.back().fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }));
  }

 private:
  struct Step {
    UniqueFd fd;
    std::string path;
  };

  void to_root() {
    steps_.clear();
    UniqueFd root(checked("open", "/", [] { return ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); }));
    steps_.push_back({std::move(root), "/"});
  }

  // The components of `path` are to be walked before those already waiting.
  void push(const std::string& path) {
    const std::vector<std::string> names = base::split(path, '/');
    todo_.insert(todo_.end(), names.rbegin(), names.rend());
  }

  void step(const std::string& name) {
    if (name.empty() || name == ".") return;
    if (name == "..") {
      if (steps_.size() > 1) steps_.pop_back();
      return;
    }
    const Step& here = steps_.back();
    const std::string path = here.path + (here.path == "/" ? "" : "/") + name;
    struct stat st;
    checked("open", path, [&] { return ::fstatat(here.fd.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW); });
    const FileStatus found = to_status(st);
    if (found.type == FileType::symlink) {
      follow(here, name, path, found);
      return;
    }
    if (found.type != FileType::directory) refuse(path, "is " + describe(found.type) + ", not a folder");
    // A link that took its place since is refused by O_NOFOLLOW.
    const int fd = retried(
        [&] { return ::openat(here.fd.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); });
    if (fd == -1 && errno == ENOTDIR) refuse(path, "was replaced by somebody else");
    if (fd == -1) throw_errno("open", path, errno);
    steps_.push_back({UniqueFd(fd), path});
  }

  // Only root can have made the link, and only root can exchange it: it is as good as the path itself.
  void follow(const Step& here, const std::string& name, const std::string& path, const FileStatus& link) {
    if (links_ == Links::refuse) refuse(path, "is a symbolic link, which is not followed here");
    struct stat st;
    checked("read the status of", here.path, [&] { return ::fstat(here.fd.get(), &st); });
    const FileStatus folder = to_status(st);
    if (link.owner.uid != 0 || folder.owner.uid != 0 || (folder.mode & 022) != 0) {
      throw base::Error(base::ErrorKind::unsafe_path, "open", path,
                        "is a symbolic link that others than root could have made")
          .with_hint("mount the folder there instead, or name the one it leads to");
    }
    if (++links_followed_ > kMostLinks) refuse(path_, "leads through too many symbolic links");
    std::array<char, PATH_MAX> target;
    const auto length = static_cast<std::size_t>(checked("read the link", path, [&] {
      return ::readlinkat(here.fd.get(), name.c_str(), target.data(), target.size());
    }));
    if (length == 0 || length == target.size()) refuse(path, "is a symbolic link that cannot be followed");
    if (target[0] == '/') to_root();  // `here` is gone now
    push(std::string(target.data(), length));
  }

  [[noreturn]] static void refuse(const std::string& path, const std::string& reason) {
    throw base::Error(base::ErrorKind::unsafe_path, "open", path, reason);
  }

  std::string path_;
  Links links_;
  std::vector<Step> steps_;
  std::vector<std::string> todo_;  // components, the next one last
  unsigned links_followed_ = 0;
};

}  // namespace

std::unique_ptr<Dir> walk_to_dir(const std::string& path, Links links) {
  UniqueFd fd = Walk(path, links).finish();
  std::string name = path;
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return make_dir(std::move(fd), std::move(name));
}

}  // namespace io::posix
