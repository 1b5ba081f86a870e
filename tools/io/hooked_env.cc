#include "io/hooked_env.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace io {

namespace {

using base::Error;
using base::ErrorKind;
using HookPtr = std::shared_ptr<const Hook>;  // one per hooked env: tells which objects belong together

enum class Effect { none, changes };

// Returns how many bytes may be moved at most.
std::uint64_t call(const HookPtr& hook, std::string_view name, std::string path, Effect effect,
                   std::uint64_t bytes = 0) {
  const std::uint64_t limit = (*hook)({name, std::move(path), effect == Effect::changes, bytes});
  return std::min(bytes, std::max<std::uint64_t>(limit, 1));
}

// The object that `outer` wraps, if it is one of ours.
template <typename Hooked, typename Interface>
Interface& unwrap(const HookPtr& hook, const char* operation, Interface& outer) {
  auto* hooked = dynamic_cast<Hooked*>(&outer);
  if (hooked == nullptr || hooked->hook() != hook) {
    throw Error(ErrorKind::unsupported, operation, outer.path(), "belongs to another environment");
  }
  return hooked->inner();
}

class HookedFile final : public File {
 public:
  HookedFile(std::unique_ptr<File> inner, HookPtr hook) : inner_(std::move(inner)), hook_(std::move(hook)) {}
  const HookPtr& hook() const { return hook_; }
  File& inner() { return *inner_; }

  const std::string& path() const override { return inner_->path(); }

  std::size_t read_some(std::uint64_t offset, std::span<std::byte> into) override {
    return inner_->read_some(offset, into.first(tell("read_some", Effect::none, into.size())));
  }
  std::size_t write_some(std::uint64_t offset, base::ByteSpan bytes) override {
    return inner_->write_some(offset, bytes.first(tell("write_some", Effect::changes, bytes.size())));
  }
  std::uint64_t copy_some(File& source, std::uint64_t source_offset, std::uint64_t offset,
                          std::uint64_t length) override {
    File& from = unwrap<HookedFile>(hook_, "copy", source);
    return inner_->copy_some(from, source_offset, offset, tell("copy_some", Effect::changes, length));
  }
  bool clone_from(File& source) override {
    File& from = unwrap<HookedFile>(hook_, "clone", source);
    tell("clone_from", Effect::changes);
    return inner_->clone_from(from);
  }
  FileStatus status() override {
    tell("status", Effect::none);
    return inner_->status();
  }
  void set_owner(Owner owner) override {
    tell("set_owner", Effect::changes);
    inner_->set_owner(owner);
  }
  void set_mode(std::uint32_t mode) override {
    tell("set_mode", Effect::changes);
    inner_->set_mode(mode);
  }
  void set_modified(base::UtcTime time) override {
    tell("set_modified", Effect::changes);
    inner_->set_modified(time);
  }
  void truncate(std::uint64_t size) override {
    tell("truncate", Effect::changes);
    inner_->truncate(size);
  }
  void reserve(std::uint64_t size) override {
    tell("reserve", Effect::changes);
    inner_->reserve(size);
  }
  void start_writeback(std::uint64_t offset, std::uint64_t length) override {
    tell("start_writeback", Effect::none);
    inner_->start_writeback(offset, length);
  }
  void drop_cache(std::uint64_t offset, std::uint64_t length) override {
    tell("drop_cache", Effect::none);
    inner_->drop_cache(offset, length);
  }
  bool try_lock() override {
    tell("try_lock", Effect::none);
    return inner_->try_lock();
  }
  void sync() override {
    tell("sync", Effect::changes);
    inner_->sync();
  }
  void close() override {
    tell("close", Effect::none);
    inner_->close();
  }

 private:
  std::uint64_t tell(std::string_view name, Effect effect, std::uint64_t bytes = 0) {
    return call(hook_, name, inner_->path(), effect, bytes);
  }

  std::unique_ptr<File> inner_;
  HookPtr hook_;
};

class HookedDir final : public Dir {
 public:
  HookedDir(std::unique_ptr<Dir> inner, HookPtr hook) : inner_(std::move(inner)), hook_(std::move(hook)) {}
  const HookPtr& hook() const { return hook_; }
  Dir& inner() { return *inner_; }

  const std::string& path() const override { return inner_->path(); }

  std::unique_ptr<File> open_file(const std::string& name, Access access) override {
    tell("open_file", name, Effect::none);
    return std::make_unique<HookedFile>(inner_->open_file(name, access), hook_);
  }
  std::unique_ptr<File> create_file(const std::string& name, std::uint32_t mode) override {
    tell("create_file", name, Effect::changes);
    return std::make_unique<HookedFile>(inner_->create_file(name, mode), hook_);
  }
  std::unique_ptr<Dir> open_dir(const std::string& name) override {
    tell("open_dir", name, Effect::none);
    return std::make_unique<HookedDir>(inner_->open_dir(name), hook_);
  }
  void make_dir(const std::string& name, std::uint32_t mode) override {
    tell("make_dir", name, Effect::changes);
    inner_->make_dir(name, mode);
  }
  std::optional<FileStatus> status(const std::string& name) override {
    tell("status", name, Effect::none);
    return inner_->status(name);
  }
  FileStatus status() override {
    tell("status", Effect::none);
    return inner_->status();
  }
  void set_owner(Owner owner) override {
    tell("set_owner", Effect::changes);
    inner_->set_owner(owner);
  }
  void set_mode(std::uint32_t mode) override {
    tell("set_mode", Effect::changes);
    inner_->set_mode(mode);
  }
  std::vector<std::string> list() override {
    tell("list", Effect::none);
    return inner_->list();
  }
  void rename(const std::string& from, Dir& to_dir, const std::string& to, Replace replace) override {
    Dir& target = unwrap<HookedDir>(hook_, "rename", to_dir);
    tell("rename", from, Effect::changes);
    inner_->rename(from, target, to, replace);
  }
  void link(File& file, const std::string& name) override {
    File& source = unwrap<HookedFile>(hook_, "link", file);
    tell("link", name, Effect::changes);
    inner_->link(source, name);
  }
  void remove(const std::string& name) override {
    tell("remove", name, Effect::changes);
    inner_->remove(name);
  }
  void remove_dir(const std::string& name) override {
    tell("remove_dir", name, Effect::changes);
    inner_->remove_dir(name);
  }
  void sync() override {
    tell("sync", Effect::changes);
    inner_->sync();
  }
  Space space() override {
    tell("space", Effect::none);
    return inner_->space();
  }

 private:
  void tell(std::string_view operation, Effect effect) { call(hook_, operation, inner_->path(), effect); }
  void tell(std::string_view operation, const std::string& name, Effect effect) {
    const std::string& folder = inner_->path();
    call(hook_, operation, folder.ends_with('/') ? folder + name : folder + "/" + name, effect);
  }

  std::unique_ptr<Dir> inner_;
  HookPtr hook_;
};

class HookedEnv final : public Env {
 public:
  HookedEnv(Env& inner, Hook hook) : inner_(inner), hook_(std::make_shared<const Hook>(std::move(hook))) {}

  std::unique_ptr<Dir> open_dir(const std::string& path, Links links) override {
    call(hook_, "open_dir", path, Effect::none);
    return std::make_unique<HookedDir>(inner_.open_dir(path, links), hook_);
  }
  base::UtcTime now() override { return inner_.now(); }
  std::uint64_t random() override { return inner_.random(); }
  void sleep_ms(unsigned milliseconds) override {
    call(hook_, "sleep_ms", "", Effect::none);
    inner_.sleep_ms(milliseconds);
  }
  RunResult run(const std::vector<std::string>& argv, unsigned timeout_s) override {
    call(hook_, "run", argv.empty() ? "" : argv.front(), Effect::changes);
    return inner_.run(argv, timeout_s);
  }
  std::int64_t process_id() override { return inner_.process_id(); }

 private:
  Env& inner_;
  HookPtr hook_;
};

}  // namespace

std::unique_ptr<Env> make_hooked_env(Env& inner, Hook hook) {
  return std::make_unique<HookedEnv>(inner, std::move(hook));
}

std::unique_ptr<Env> make_read_only_env(Env& inner) {
  return make_hooked_env(inner, [](const Operation& operation) {
    if (operation.changes) {
      throw Error(ErrorKind::unsupported, std::string(operation.name), operation.path, "refused: dry run");
    }
    return no_limit;
  });
}

}  // namespace io
