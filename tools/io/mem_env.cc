#include "io/mem_env.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "io/mem_handles.h"

namespace io {

using base::Error;
using base::ErrorKind;
using mem::Inode;
using mem::InodePtr;
using mem::Machine;

namespace {

constexpr unsigned kMostLinks = 40;  // as Linux

std::vector<std::string> components(const std::string& path) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos) {
    throw Error(ErrorKind::usage, "open folder", path, "is not an absolute path");
  }
  std::vector<std::string> parts = base::split(path, '/');
  std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "."; });
  return parts;
}

// A link counts as the administrator's if nobody but root can have put it there.
bool of_administrator(const Inode& folder, const Inode& link) {
  return link.owner.now().uid == 0 && folder.owner.now().uid == 0 && (folder.mode.now() & 022) == 0;
}

InodePtr walk(const Machine& machine, const std::string& path, Links links) {
  std::vector<std::string> ahead = components(path);
  std::reverse(ahead.begin(), ahead.end());  // the next one is the last
  std::vector<InodePtr> way{machine.tree.root()};
  unsigned followed = 0;
  while (!ahead.empty()) {
    const std::string name = std::move(ahead.back());
    ahead.pop_back();
    if (name == "..") {  // back along the way we came
      if (way.size() > 1) way.pop_back();
      continue;
    }
    const Inode& folder = *way.back();
    const InodePtr next = mem::Tree::find(folder, name);
    if (!next) throw Error::from_errno("open folder", path, ENOENT);
    if (next->is_dir()) {
      way.push_back(next);
      continue;
    }
    if (next->type != FileType::symlink) {
      throw Error(ErrorKind::unsafe_path, "open folder", path, base::quoted(name) + " is not a folder");
    }
    if (links == Links::refuse || !of_administrator(folder, *next) || next->target.empty() ||
        ++followed > kMostLinks) {
      throw Error(ErrorKind::unsafe_path, "open folder", path, base::quoted(name) + " is a symbolic link");
    }
    std::vector<std::string> target = base::split(next->target, '/');
    std::erase_if(target, [](const std::string& part) { return part.empty() || part == "."; });
    if (next->target.starts_with('/')) way.resize(1);
    ahead.insert(ahead.end(), std::make_move_iterator(target.rbegin()),
                 std::make_move_iterator(target.rend()));
  }
  return way.back();
}

// What stands at a path, no links followed; null if nothing does.
InodePtr look_up(const Machine& machine, const std::string& path) {
  InodePtr inode = machine.tree.root();
  for (const std::string& name : components(path)) {
    inode = mem::Tree::find(*inode, name);
    if (!inode) return nullptr;
  }
  return inode;
}

// The folder of a path for a new scene, made if it is absent, and the last component.
std::pair<InodePtr, std::string> place_for(Machine& machine, const std::string& path) {
  std::vector<std::string> parts = components(path);
  if (parts.empty()) throw Error(ErrorKind::usage, "set scene", path, "is the root");
  std::string name = std::move(parts.back());
  parts.pop_back();
  InodePtr dir = machine.tree.root();
  for (const std::string& part : parts) {
    InodePtr next = mem::Tree::find(*dir, part);
    if (!next) {
      next = machine.tree.make(FileType::directory, Owner{}, 0755, machine.time());
      machine.tree.add(dir, part, next);
    }
    if (!next->is_dir()) throw Error::from_errno("set scene", path, ENOTDIR);
    machine.tree.sync_name(*dir, part);
    dir = next;
  }
  return {dir, std::move(name)};
}

// What stands at the path if it is of this type; a new one instead of anything else.
InodePtr scene_inode(Machine& machine, const std::string& path, FileType type, Owner owner,
                     std::uint32_t mode) {
  const auto [dir, name] = place_for(machine, path);
  InodePtr inode = mem::Tree::find(*dir, name);
  if (inode && inode->is_dir() && type != FileType::directory)
    throw Error::from_errno("set scene", path, EISDIR);
  if (!inode || inode->type != type) {
    inode = machine.tree.make(type, owner, mode, machine.time());
    machine.tree.add(dir, name, inode);
  }
  machine.tree.sync_name(*dir, name);
  inode->owner.set(owner);
  inode->mode.set(mode & 07777);
  inode->modified.set(machine.time());
  inode->sync();
  return inode;
}

// `name` must not be the folder's own copy, for that goes.
void remove_below(Machine& machine, const InodePtr& dir, const std::string& name) {
  const InodePtr inode = mem::Tree::find(*dir, name);
  while (!inode->names.empty()) {
    remove_below(machine, inode, std::string(inode->names.begin()->first));
  }
  machine.tree.drop(dir, name);
  machine.tree.sync_name(*dir, name);
}

}  // namespace

MemEnv::MemEnv() : machine_(std::make_shared<Machine>()) {}
MemEnv::~MemEnv() = default;

std::unique_ptr<Dir> MemEnv::open_dir(const std::string& path, Links links) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  InodePtr folder = walk(*machine_, path, links);
  std::string name = path;
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return mem::open_folder(machine_, std::move(folder), std::move(name));
}

base::UtcTime MemEnv::now() {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  const base::UtcTime time = machine_->time();
  ++machine_->clock_ms;
  return time;
}

std::uint64_t MemEnv::random() {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  return mem::Random(machine_->randoms++).next();
}

void MemEnv::sleep_ms(unsigned milliseconds) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  machine_->clock_ms += milliseconds;
}

RunResult MemEnv::run(const std::vector<std::string>& argv, unsigned) {
  std::function<RunResult(const std::vector<std::string>&)> runner;
  {
    const std::lock_guard<std::mutex> lock(machine_->mutex);
    runner = machine_->runner;
  }
  // Without the mutex: what is run may use the files.
  return runner ? runner(argv) : RunResult{.exit_status = 127, .output = ""};
}

std::int64_t MemEnv::process_id() {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  return 1000 + static_cast<std::int64_t>(machine_->crashes);
}

void MemEnv::put_file(const std::string& path, const std::string& content, Owner owner, std::uint32_t mode) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  const InodePtr inode = scene_inode(*machine_, path, FileType::regular, owner, mode);
  const std::uint64_t capacity = std::exchange(machine_->tree.capacity, ~std::uint64_t{0});
  machine_->tree.resize(*inode, 0);
  machine_->tree.write(*inode, 0, base::as_bytes(content));
  machine_->tree.capacity = capacity;
  inode->sync();
}

void MemEnv::put_dir(const std::string& path, Owner owner, std::uint32_t mode) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  scene_inode(*machine_, path, FileType::directory, owner, mode);
}

void MemEnv::put_symlink(const std::string& path, const std::string& target, Owner owner) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  scene_inode(*machine_, path, FileType::symlink, owner, 0777)->target = target;
}

void MemEnv::put_special(const std::string& path, FileType type, Owner owner) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  scene_inode(*machine_, path, type, owner, 0644);
}

void MemEnv::put_link(const std::string& path, const std::string& existing) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  const InodePtr inode = look_up(*machine_, existing);
  if (!inode || inode->is_dir()) throw Error(ErrorKind::usage, "set scene", existing, "not a file");
  const auto [dir, name] = place_for(*machine_, path);
  if (mem::Tree::find(*dir, name)) throw Error::from_errno("set scene", path, EEXIST);
  machine_->tree.add(dir, name, inode);
  machine_->tree.sync_name(*dir, name);
}

void MemEnv::remove_all(const std::string& path) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  if (!look_up(*machine_, path)) return;
  const auto [dir, name] = place_for(*machine_, path);
  remove_below(*machine_, dir, name);
}

std::optional<std::string> MemEnv::content(const std::string& path) const {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  const InodePtr inode = look_up(*machine_, path);
  if (!inode || inode->type != FileType::regular) return std::nullopt;
  return inode->content.text();
}

std::optional<FileStatus> MemEnv::status(const std::string& path) const {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  const InodePtr inode = look_up(*machine_, path);
  if (!inode) return std::nullopt;
  return mem::status_of(machine_->tree, *inode);
}

std::vector<std::string> MemEnv::list(const std::string& path) const {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  std::vector<std::string> names;
  if (const InodePtr inode = look_up(*machine_, path)) {
    for (const auto& [name, child] : inode->names) names.push_back(name);
  }
  return names;
}

void MemEnv::set_now(base::UtcTime time) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  machine_->clock_ms = time.seconds * 1000 + time.nanoseconds / 1'000'000;
}

void MemEnv::set_capacity(std::uint64_t bytes) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  machine_->tree.capacity = bytes;
}

void MemEnv::set_reflink(bool possible) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  machine_->reflink = possible;
}

void MemEnv::set_runner(std::function<RunResult(const std::vector<std::string>&)> runner) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  machine_->runner = std::move(runner);
}

void MemEnv::crash(Survives survives, std::uint64_t seed) {
  const std::lock_guard<std::mutex> lock(machine_->mutex);
  mem::Random random(seed);
  machine_->tree.crash(survives, random);
  ++machine_->crashes;
}

}  // namespace io
