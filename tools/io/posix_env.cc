#include "io/posix_env.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "io/posix_internal.h"

namespace io {

namespace {

class PosixEnv : public Env {
 public:
  std::unique_ptr<Dir> open_dir(const std::string& path, Links links) override {
    return posix::walk_to_dir(path, links);
  }

  base::UtcTime now() override {
    timespec now{};
    checked("read", "the clock", [&] { return ::clock_gettime(CLOCK_REALTIME, &now); });
    return {now.tv_sec, static_cast<std::int32_t>(now.tv_nsec)};
  }

  std::uint64_t random() override {
    std::uint64_t value = 0;
    // At most 256 bytes come whole or not at all.
    checked("read", "random numbers", [&] { return ::getrandom(&value, sizeof value, 0); });
    return value;
  }

  void sleep_ms(unsigned milliseconds) override {
    timespec left{static_cast<time_t>(milliseconds / 1000),
                  static_cast<long>(milliseconds % 1000) * 1'000'000};
    while (::nanosleep(&left, &left) == -1 && errno == EINTR) {
    }
  }

  RunResult run(const std::vector<std::string>& argv, unsigned timeout_s) override {
    return posix::run_program(argv, timeout_s);
  }

  std::int64_t process_id() override { return ::getpid(); }
};

}  // namespace

std::unique_ptr<Env> make_posix_env() {
  return std::make_unique<PosixEnv>();
}

void occupy_standard_descriptors() {
  for (;;) {
    // The lowest free number is taken, and reading only is allowed.
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd > 2 || fd < 0) {
      if (fd > 2) ::close(fd);
      return;
    }
  }
}

}  // namespace io
