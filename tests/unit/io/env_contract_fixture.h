// The implementations of env.h, each with an empty folder, for the tests of what env.h says.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/env.h"
#include "io/hooked_env.h"
#include "io/mem_env.h"
#include "io/posix_env.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace io {

using base::ErrorKind;
using support::fails_with;

// An Env, an empty folder in it, and what Env itself cannot make.
class Scene {
 public:
  virtual ~Scene() = default;
  virtual Env& env() = 0;
  virtual std::string root() const = 0;
  virtual void symlink(const std::string& name, const std::string& target, Owner owner = {}) = 0;
  virtual void fifo(const std::string& name) = 0;
};

class MemScene : public Scene {
 public:
  MemScene() { mem_.put_dir(root(), {}, 0700); }
  Env& env() override { return mem_; }
  std::string root() const override { return "/some/root"; }
  void symlink(const std::string& name, const std::string& target, Owner owner) override {
    mem_.put_symlink(root() + "/" + name, target, owner);
  }
  void fifo(const std::string& name) override { mem_.put_special(root() + "/" + name, FileType::fifo); }

 private:
  MemEnv mem_;
};

class PosixScene : public Scene {
 public:
  Env& env() override { return *env_; }
  std::string root() const override { return dir_.path(); }
  void symlink(const std::string& name, const std::string& target, Owner owner) override {
    ASSERT_EQ(::symlink(target.c_str(), (dir_ / name).c_str()), 0);
    if (owner == Owner{}) return;
    ASSERT_EQ(::lchown((dir_ / name).c_str(), owner.uid, owner.gid), 0);
  }
  void fifo(const std::string& name) override { ASSERT_EQ(::mkfifo((dir_ / name).c_str(), 0600), 0); }

 private:
  support::TempDir dir_;
  std::unique_ptr<Env> env_ = make_posix_env();
};

// The same through a hook that does nothing.
template <typename Inner>
class HookedScene : public Inner {
 public:
  Env& env() override { return *hooked_; }

 private:
  std::unique_ptr<Env> hooked_ = make_hooked_env(Inner::env(), [](const Operation&) { return no_limit; });
};

struct Kind {
  const char* name;
  std::unique_ptr<Scene> (*make)();
};

template <typename T>
std::unique_ptr<Scene> make_scene() {
  return std::make_unique<T>();
}

class EnvContractTest : public testing::TestWithParam<Kind> {
 protected:
  Env& env() { return scene_->env(); }
  std::string root() const { return scene_->root(); }
  Scene& scene() { return *scene_; }
  std::unique_ptr<Dir> dir() { return env().open_dir(root(), Links::refuse); }

  std::unique_ptr<File> make(const std::string& name, const std::string& text, std::uint32_t mode = 0600) {
    auto file = dir()->create_file(name, mode);
    file->write_full(0, base::as_bytes(text));
    return file;
  }
  static std::string text_of(File& file) {
    std::string text(file.status().size, '?');
    EXPECT_EQ(file.read_full(0, std::as_writable_bytes(std::span(text))), text.size());
    return text;
  }
  std::string text_of(const std::string& name) { return text_of(*dir()->open_file(name, Access::read)); }

  static bool is_root() { return ::geteuid() == 0; }

 private:
  std::unique_ptr<Scene> scene_ = GetParam().make();
};

// For each file of tests: its suite over all implementations.
#define INSTANTIATE_ENV_CONTRACT(suite)                                                         \
  INSTANTIATE_TEST_SUITE_P(                                                                     \
      All, suite,                                                                               \
      testing::Values(Kind{"Mem", make_scene<MemScene>}, Kind{"Posix", make_scene<PosixScene>}, \
                      Kind{"HookedMem", make_scene<HookedScene<MemScene>>},                     \
                      Kind{"HookedPosix", make_scene<HookedScene<PosixScene>>}),                \
      [](const auto& kind) { return kind.param.name; })

}  // namespace io
