#include "io/mem_handles.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace io::mem {

using base::Error;
using base::ErrorKind;

base::UtcTime Machine::time() const {
  return {clock_ms / 1000, static_cast<std::int32_t>(clock_ms % 1000) * 1'000'000};
}

FileStatus status_of(const Tree& tree, const Inode& inode) {
  FileStatus status;
  status.type = inode.type;
  status.mode = inode.mode.now();
  status.owner = inode.owner.now();
  status.size = inode.type == FileType::symlink ? inode.target.size() : inode.content.size();
  status.allocated = tree.allocated(inode);
  status.device = 1;
  status.inode = inode.number;
  status.links = inode.links;
  if (inode.is_dir() && inode.links != 0) {
    status.links =
        2 + static_cast<std::uint64_t>(std::count_if(inode.names.begin(), inode.names.end(),
                                                     [](const auto& e) { return e.second->is_dir(); }));
  }
  status.modified = inode.modified.now();
  return status;
}

namespace {

constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 44;   // as ext4
constexpr std::uint64_t kLargestWrite = std::uint64_t{1} << 36;  // the table of blocks is no sparse one

// What open files and folders have in common. Every function starts with one of these guards; it holds the
// mutex.
class Handle {
 protected:
  Handle(MachinePtr machine, InodePtr inode, std::string path)
      : machine_(std::move(machine)),
        inode_(std::move(inode)),
        path_(std::move(path)),
        born_(machine_->crashes) {}

  std::unique_lock<std::mutex> enter(const char* operation) const { return enter(operation, path_); }
  std::unique_lock<std::mutex> enter(const char* operation, const std::string& path) const {
    std::unique_lock<std::mutex> lock(machine_->mutex);
    if (machine_->crashes != born_) throw Error(ErrorKind::io, operation, path, "use after power cut");
    return lock;
  }
  bool alive() const { return machine_->crashes == born_; }

  MachinePtr machine_;
  InodePtr inode_;
  std::string path_;

 private:
  std::uint64_t born_;
};

class MemFile final : public File, private Handle {
 public:
  // The caller holds the mutex.
  MemFile(const MachinePtr& machine, InodePtr inode, std::string path, Access access)
      : Handle(machine, std::move(inode), std::move(path)), writable_(access == Access::read_write) {
    machine_->tree.opened(*inode_);
  }
  ~MemFile() override {
    const std::lock_guard<std::mutex> lock(machine_->mutex);
    release();
  }

  const std::string& path() const override { return path_; }

  std::size_t read_some(std::uint64_t offset, std::span<std::byte> into) override {
    const auto lock = use("read");
    return inode_->content.read(offset, into);
  }

  std::size_t write_some(std::uint64_t offset, base::ByteSpan bytes) override {
    const auto lock = use("write", Access::read_write);
    return write_locked("write", offset, bytes);
  }

  std::uint64_t copy_some(File& source, std::uint64_t source_offset, std::uint64_t offset,
                          std::uint64_t length) override {
    const auto lock = use("copy", Access::read_write);
    const MemFile& from = checked("copy", machine_, source);
    // One call of the kernel may do less than asked; so does this one, which tests the loops around it.
    std::vector<std::byte> bytes(std::min<std::uint64_t>(length, std::uint64_t{1} << 20));
    bytes.resize(from.inode_->content.read(source_offset, bytes));
    return write_locked("copy", offset, bytes);
  }

  bool clone_from(File& source) override {
    const auto lock = use("clone", Access::read_write);
    const MemFile& from = checked("clone", machine_, source);
    if (!machine_->reflink) return false;
    if (from.inode_ != inode_) machine_->tree.share(*inode_, *from.inode_);
    inode_->modified.set(machine_->time());
    return true;
  }

  FileStatus status() override {
    const auto lock = use("stat");
    return status_of(machine_->tree, *inode_);
  }
  void set_owner(Owner owner) override {
    const auto lock = use("chown");
    inode_->owner.set(owner);
  }
  void set_mode(std::uint32_t mode) override {
    const auto lock = use("chmod");
    inode_->mode.set(mode & 07777);
  }
  void set_modified(base::UtcTime time) override {
    const auto lock = use("set time");
    inode_->modified.set(time);
  }
  void truncate(std::uint64_t size) override {
    const auto lock = use("truncate");
    if (!writable_) throw Error::from_errno("truncate", path_, EINVAL);
    if (size > kLargestFile) throw Error::from_errno("truncate", path_, EFBIG);
    machine_->tree.resize(*inode_, size);
    inode_->modified.set(machine_->time());
  }
  void reserve(std::uint64_t size) override {
    const auto lock = use("reserve", Access::read_write);
    if (size > kLargestFile) throw Error::from_errno("reserve", path_, EFBIG);
    if (!machine_->tree.reserve(*inode_, size)) throw Error::from_errno("reserve", path_, ENOSPC);
  }
  void start_writeback(std::uint64_t, std::uint64_t) override { const auto lock = use("write back"); }
  void drop_cache(std::uint64_t, std::uint64_t) override { const auto lock = use("drop cache"); }

  bool try_lock() override {
    const auto lock = use("lock");
    if (inode_->lock_holder != nullptr && inode_->lock_holder != this) return false;
    inode_->lock_holder = this;
    return true;
  }
  void sync() override {
    const auto lock = use("sync");
    inode_->sync();
  }
  void close() override {
    const auto lock = enter("close");
    release();
  }

  // What an operation of `machine` shall work on: `other` as a MemFile of it, open and alive. The caller
  // holds the mutex.
  static MemFile& checked(const char* operation, const MachinePtr& machine, File& other) {
    auto* file = dynamic_cast<MemFile*>(&other);
    if (file == nullptr || file->machine_ != machine) {
      throw Error(ErrorKind::unsupported, operation, other.path(), "the file belongs to another environment");
    }
    if (!file->alive()) throw Error(ErrorKind::io, operation, file->path_, "use after power cut");
    if (file->closed_) throw Error::from_errno(operation, file->path_, EBADF);
    return *file;
  }
  const InodePtr& inode() const { return inode_; }

 private:
  std::unique_lock<std::mutex> use(const char* operation, Access access = Access::read) {
    auto lock = enter(operation);
    if (closed_ || (access == Access::read_write && !writable_))
      throw Error::from_errno(operation, path_, EBADF);
    return lock;
  }

  std::size_t write_locked(const char* operation, std::uint64_t offset, base::ByteSpan bytes) {
    if (bytes.empty()) return 0;
    if (offset > kLargestWrite - std::min<std::uint64_t>(bytes.size(), kLargestWrite)) {
      throw Error::from_errno(operation, path_, EFBIG);
    }
    const std::size_t done = machine_->tree.write(*inode_, offset, bytes);
    if (done == 0) throw Error::from_errno(operation, path_, ENOSPC);
    inode_->modified.set(machine_->time());
    return done;
  }

  // After a power cut there is nothing left to release.
  void release() {
    if (closed_ || !alive()) return;
    closed_ = true;
    if (inode_->lock_holder == this) inode_->lock_holder = nullptr;
    machine_->tree.closed(*inode_);
  }

  bool writable_;
  bool closed_ = false;
};

class MemDir final : public Dir, private Handle {
 public:
  MemDir(const MachinePtr& machine, InodePtr inode, std::string path)
      : Handle(machine, std::move(inode), std::move(path)) {}

  const std::string& path() const override { return path_; }

  std::unique_ptr<File> open_file(const std::string& name, Access access) override {
    const auto lock = enter("open", at(name));
    const InodePtr inode = existing("open", name);
    if (inode->type != FileType::regular) {
      throw Error(ErrorKind::unsafe_path, "open", at(name), "not a regular file");
    }
    return std::make_unique<MemFile>(machine_, inode, at(name), access);
  }

  std::unique_ptr<File> create_file(const std::string& name, std::uint32_t mode) override {
    const auto lock = enter("create", at(name));
    const InodePtr inode = add_new("create", name, FileType::regular, mode);
    return std::make_unique<MemFile>(machine_, inode, at(name), Access::read_write);
  }

  std::unique_ptr<Dir> open_dir(const std::string& name) override {
    const auto lock = enter("open folder", at(name));
    const InodePtr inode = existing("open folder", name);
    if (!inode->is_dir()) throw Error(ErrorKind::unsafe_path, "open folder", at(name), "not a folder");
    return open_folder(machine_, inode, at(name));
  }

  void make_dir(const std::string& name, std::uint32_t mode) override {
    const auto lock = enter("make folder", at(name));
    add_new("make folder", name, FileType::directory, mode);
  }

  std::optional<FileStatus> status(const std::string& name) override {
    const auto lock = enter("stat", at(name));
    check_name("stat", name);
    const InodePtr inode = Tree::find(*inode_, name);
    if (!inode) return std::nullopt;
    return status_of(machine_->tree, *inode);
  }
  FileStatus status() override {
    const auto lock = enter("stat");
    return status_of(machine_->tree, *inode_);
  }
  void set_owner(Owner owner) override {
    const auto lock = enter("chown");
    inode_->owner.set(owner);
  }
  void set_mode(std::uint32_t mode) override {
    const auto lock = enter("chmod");
    inode_->mode.set(mode & 07777);
  }
  std::vector<std::string> list() override {
    const auto lock = enter("list");
    std::vector<std::string> names;
    for (const auto& [name, inode] : inode_->names) names.push_back(name);
    return names;
  }

  void rename(const std::string& from, Dir& to_dir, const std::string& to, Replace replace) override {
    const auto lock = enter("rename", at(from));
    auto* target_dir = dynamic_cast<MemDir*>(&to_dir);
    if (target_dir == nullptr || target_dir->machine_ != machine_) {
      throw Error(ErrorKind::unsupported, "rename", to_dir.path(),
                  "the folder belongs to another environment");
    }
    if (!target_dir->alive()) throw Error(ErrorKind::io, "rename", to_dir.path(), "use after power cut");
    target_dir->check_name("rename", to);
    const InodePtr inode = existing("rename", from);
    const InodePtr target = Tree::find(*target_dir->inode_, to);
    if (target && replace == Replace::no) target_dir->fail("rename", to, EEXIST);
    if (target == inode) return;
    if (target && target->is_dir() && !inode->is_dir()) target_dir->fail("rename", to, EISDIR);
    if (target && !target->is_dir() && inode->is_dir()) target_dir->fail("rename", to, ENOTDIR);
    if (target && !target->names.empty()) target_dir->fail("rename", to, ENOTEMPTY);
    if (target_dir->inode_->links == 0) target_dir->fail("rename", to, ENOENT);
    if (holds(inode, target_dir->inode_)) target_dir->fail("rename", to, EINVAL);
    machine_->tree.move(inode_, from, target_dir->inode_, to);
    touch();
    target_dir->touch();
  }

  void link(File& file, const std::string& name) override {
    const auto lock = enter("link", at(name));
    const InodePtr& inode = MemFile::checked("link", machine_, file).inode();
    check_name("link", name);
    if (Tree::find(*inode_, name)) fail("link", name, EEXIST);
    if (inode_->links == 0 || inode->links == 0) fail("link", name, ENOENT);
    machine_->tree.add(inode_, name, inode);
    touch();
  }

  void remove(const std::string& name) override {
    const auto lock = enter("remove", at(name));
    if (existing("remove", name)->is_dir()) fail("remove", name, EISDIR);
    machine_->tree.drop(inode_, name);
    touch();
  }

  void remove_dir(const std::string& name) override {
    const auto lock = enter("remove folder", at(name));
    const InodePtr inode = existing("remove folder", name);
    if (!inode->is_dir()) fail("remove folder", name, ENOTDIR);
    if (!inode->names.empty()) fail("remove folder", name, ENOTEMPTY);
    machine_->tree.drop(inode_, name);
    touch();
  }

  void sync() override {
    const auto lock = enter("sync");
    inode_->sync();
    machine_->tree.sync_names(*inode_);
  }

  Space space() override {
    const auto lock = enter("ask free space of");
    return {machine_->tree.free_bytes(), machine_->tree.capacity};
  }

 private:
  std::string at(const std::string& name) const { return path_ == "/" ? path_ + name : path_ + "/" + name; }

  [[noreturn]] void fail(const char* operation, const std::string& name, int sys_errno) const {
    throw Error::from_errno(operation, at(name), sys_errno);
  }

  void check_name(const char* operation, const std::string& name) const {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      throw Error(ErrorKind::unsafe_path, operation, at(name), "not a plain name");
    }
    if (name.size() > 255) fail(operation, name, ENAMETOOLONG);
  }

  InodePtr existing(const char* operation, const std::string& name) const {
    check_name(operation, name);
    InodePtr inode = Tree::find(*inode_, name);
    if (!inode) fail(operation, name, ENOENT);
    return inode;
  }

  InodePtr add_new(const char* operation, const std::string& name, FileType type, std::uint32_t mode) {
    check_name(operation, name);
    if (Tree::find(*inode_, name)) fail(operation, name, EEXIST);
    if (inode_->links == 0) fail(operation, name, ENOENT);
    InodePtr inode = machine_->tree.make(type, Owner{}, mode & 07777, machine_->time());
    machine_->tree.add(inode_, name, inode);
    touch();
    return inode;
  }

  static bool holds(const InodePtr& above, const InodePtr& wanted) {
    if (above == wanted) return true;
    return std::any_of(above->names.begin(), above->names.end(), [&](const auto& entry) {
      return entry.second->is_dir() && holds(entry.second, wanted);
    });
  }

  void touch() { inode_->modified.set(machine_->time()); }
};

}  // namespace

std::unique_ptr<Dir> open_folder(const MachinePtr& machine, InodePtr inode, std::string path) {
  return std::make_unique<MemDir>(machine, std::move(inode), std::move(path));
}

}  // namespace io::mem
