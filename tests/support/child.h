// Tests that need a process of their own: limits, mounts, locks of somebody else.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace support {

// Runs `body` in a forked child and waits for it; true if no expectation failed in it and nothing was thrown.
bool passes_in_child(const std::function<void()>& body);

// Whether mount_tiny() works here: not without root, nor in a container that forbids mounts.
bool can_mount_tiny();
// In a child only (the mount goes with the process): a file system of `bytes` at the folder `path`. Throws if
// it cannot.
void mount_tiny(const std::string& path, std::size_t bytes);

// A child that runs `body`, says that it is done with it, and then sleeps until it is killed.
class Holder {
 public:
  explicit Holder(const std::function<void()>& body);
  ~Holder() { kill(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  pid_t pid() const { return pid_; }
  // SIGKILL, and waits for its end.
  void kill();

 private:
  pid_t pid_ = -1;
};

}  // namespace support
