// An Env in which "/" is another folder, as in a chroot: for tests that run on the real file system what uses
// fixed paths. Programs are not run.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "io/env.h"

namespace support {

class RootedEnv : public io::Env {
 public:
  RootedEnv(io::Env& inner, std::string root) : inner_(inner), root_(std::move(root)) {}

  std::unique_ptr<io::Dir> open_dir(const std::string& path, io::Links links) override {
    return inner_.open_dir(root_ + path, links);
  }
  base::UtcTime now() override { return inner_.now(); }
  std::uint64_t random() override { return inner_.random(); }
  void sleep_ms(unsigned milliseconds) override { inner_.sleep_ms(milliseconds); }
  io::RunResult run(const std::vector<std::string>&, unsigned) override { return {127, ""}; }
  std::int64_t process_id() override { return inner_.process_id(); }

 private:
  io::Env& inner_;
  std::string root_;
};

}  // namespace support
