#include "support/child.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace support {

namespace {

// Runs `body` and says whether the test still stands.
bool passes(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw: " << error.what();
  }
  std::fflush(nullptr);
  return !testing::Test::HasFailure();
}

}  // namespace

bool passes_in_child(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(passes(body) ? 0 : 1);
  int status = 0;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool can_mount_tiny() {
  if (::geteuid() != 0) return false;
  const pid_t pid = ::fork();
  if (pid == 0) {
    try {
      mount_tiny("/tmp", 64 * 1024);
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 1;
  return ::waitpid(pid, &status, 0) == pid && status == 0;
}

void mount_tiny(const std::string& path, std::size_t bytes) {
  const std::string options = "size=" + std::to_string(bytes);
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", path.c_str(), "tmpfs", 0, options.c_str()) != 0) {
    throw std::runtime_error(std::string("cannot mount: ") + std::strerror(errno));
  }
}

Holder::Holder(const std::function<void()>& body) {
  int ready[2];
  if (::pipe(ready) != 0) throw std::runtime_error("pipe");
  std::fflush(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::close(ready[0]);
    const char word = passes(body) ? 'y' : 'n';
    if (::write(ready[1], &word, 1) == 1) ::close(ready[1]);
    for (;;) ::pause();
  }
  ::close(ready[1]);
  char word = 'n';
  EXPECT_EQ(::read(ready[0], &word, 1), 1);
  EXPECT_EQ(word, 'y') << "the child could not do its part";
  ::close(ready[0]);
}

void Holder::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace support
