// A line on the terminal while a server packs: the time, and how much it has written if that can be seen.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "io/env.h"
#include "zeo/client.h"

namespace app {

class PackProgress {
 public:
  // `out` and `env` must outlive it. The line goes when it does.
  PackProgress(std::ostream& out, io::Env& env, std::string label);
  ~PackProgress();
  PackProgress(const PackProgress&) = delete;
  PackProgress& operator=(const PackProgress&) = delete;

  // What the server says about the storage before the pack. `is_local`: it runs on this machine, so that the
  // file which it packs to can be looked at, if the storage's name is the absolute path of one.
  void opened(const zeo::StorageInfo& info, bool is_local);
  // Called about once a second.
  void waited();

 private:
  std::string written() const;

  std::ostream& out_;
  io::Env& env_;
  std::string label_;
  base::UtcTime start_;
  std::string data_path_;  // empty if it cannot be looked at
  std::string size_;       // " of at most 1.2 GB"
  std::size_t width_ = 0;
};

}  // namespace app
