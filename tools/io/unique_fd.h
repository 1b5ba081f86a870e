// A file descriptor that closes itself, and the two habits every system call here needs: a call that a signal
// interrupted is made again, and a failure becomes a base::Error. Only the posix_*.cc files include this.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/error.h"

namespace io {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  // Closes without a word about errors; a writer that must know calls close(2) on release().
  void reset() {
    if (fd_ >= 0) ::close(release());
  }

 private:
  int fd_ = -1;
};

// The result of `call`, made again as long as a signal interrupts it.
template <typename Call>
auto retried(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

[[noreturn]] inline void throw_errno(const char* operation, const std::string& path, int number) {
  throw base::Error::from_errno(operation, path, number);
}

// As retried(), for calls that give -1 and errno when they fail.
template <typename Call>
auto checked(const char* operation, const std::string& path, Call call) {
  const auto result = retried(call);
  if (result == -1) throw_errno(operation, path, errno);
  return result;
}

}  // namespace io
