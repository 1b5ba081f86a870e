// Child processes.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "base/text.h"
#include "io/posix_internal.h"

namespace io::posix {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 64 * 1024;
constexpr int kNotStarted = 127;
constexpr int kTimedOut = 124;

[[noreturn]] void throw_run_error(const std::string& program, int number) {
  throw_errno("run", program, number);
}

// A pipe whose ends are not 0, 1 or 2, so that setting those up in the child cannot overwrite them.
struct Pipe {
  UniqueFd read_end, write_end;

  explicit Pipe(const std::string& program) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) == -1) throw_run_error(program, errno);
    read_end = above_stdio(UniqueFd(ends[0]), program);
    write_end = above_stdio(UniqueFd(ends[1]), program);
  }

 private:
  static UniqueFd above_stdio(UniqueFd fd, const std::string& program) {
    if (fd.get() > STDERR_FILENO) return fd;
    const int higher = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (higher == -1) throw_run_error(program, errno);
    return UniqueFd(higher);
  }
};

std::vector<std::string> clean_environment() {
  std::vector<std::string> result = {"LC_ALL=C"};
  bool path_seen = false;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const bool is_path = text.starts_with("PATH=");
    if (is_path || text.starts_with("HOME=") || text.starts_with("DPKG_")) result.emplace_back(text);
    path_seen = path_seen || is_path;
  }
  if (!path_seen) result.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// How the child is set up; the libc calls give an errno, 0 for none.
class SpawnPlan {
 public:
  explicit SpawnPlan(const std::string& program) : program_(program) {
    check(::posix_spawn_file_actions_init(&actions_));
    check(::posix_spawnattr_init(&attributes_));
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // stdin is /dev/null, stdout and stderr are `output`. Nothing else is inherited: a daemon started on the
  // way must not keep a lock, or the debconf or status pipe of the package manager that may have called us.
  void redirect(int output) {
    check(::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
    check(::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO));
    check(::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO));
    check(::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
    check(::posix_spawn_file_actions_addchdir_np(&actions_, "/"));
  }

  // A process group of its own, and the signal dispositions of a fresh program.
  void isolate() {
    sigset_t none, defaults;
    ::sigemptyset(&none);
    ::sigfillset(&defaults);  // SIGKILL and SIGSTOP in it are passed over
    check(::posix_spawnattr_setsigmask(&attributes_, &none));
    check(::posix_spawnattr_setsigdefault(&attributes_, &defaults));
    check(::posix_spawnattr_setpgroup(&attributes_, 0));
    check(::posix_spawnattr_setflags(&attributes_,
                                     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
  }

  // 0, or the errno that says why the program could not be started.
  int start(pid_t& pid, std::vector<std::string> argv) {
    std::vector<std::string> environment = clean_environment();
    return ::posix_spawn(&pid, program_.c_str(), &actions_, &attributes_, pointers(argv).data(),
                         pointers(environment).data());
  }

 private:
  void check(int number) const {
    if (number != 0) throw_run_error(program_, number);
  }

  std::string program_;
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// A running child; killed with its whole group if it is still there in the end.
class Child {
 public:
  // By number: glibc 2.36 declares pidfd_open() without extern "C".
  explicit Child(pid_t pid) : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~Child() {
    if (!reaped_) kill_group();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Becomes readable when the child ends; -1 on kernels that cannot do that.
  int pidfd() const { return pidfd_.get(); }

  bool ended() {
    if (!reaped_) reap(WNOHANG);
    return reaped_;
  }

  // Not yet reaped, so the number of the group is still ours.
  void kill_group() {
    ::kill(-pid_, SIGKILL);
    reap(0);
  }

  int exit_status() const { return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_); }

 private:
  void reap(int options) {
    const pid_t result = retried([&] { return ::waitpid(pid_, &status_, options); });
    reaped_ = result != 0;
    if (result == -1) status_ = kNotStarted << 8;  // somebody else took the status: not a success
  }

  pid_t pid_;
  UniqueFd pidfd_;
  int status_ = 0;
  bool reaped_ = false;
};

// Reads what is in the pipe into `output`, which keeps only its first part. False at the end of the pipe.
bool read_available(int pipe, std::string& output) {
  std::array<char, 16 * 1024> buffer;
  // No more rounds than a pipe holds: a writer that never stops does not keep us here.
  for (std::size_t total = 0; total < kMostOutput;) {
    const ssize_t count = retried([&] { return ::read(pipe, buffer.data(), buffer.size()); });
    if (count == -1 && errno == EAGAIN) return true;
    if (count <= 0) return false;
    const auto length = static_cast<std::size_t>(count);
    output.append(buffer.data(), std::min(length, kMostOutput - output.size()));
    total += length;
  }
  return true;
}

// Until the child ends or the time is up; false then.
bool watch(Child& child, UniqueFd pipe, Clock::time_point deadline, std::string& output) {
  for (;;) {
    if (child.ended()) {
      // All that the child wrote is in the pipe now. A daemon it left behind may hold the other end for ever.
      if (pipe) read_available(pipe.get(), output);
      return true;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 2> fds = {{{pipe.get(), POLLIN, 0}, {child.pidfd(), POLLIN, 0}}};  // -1 is passed over
    const auto longest = child.pidfd() >= 0 ? 60'000 : 50;
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::min<long long>(left, longest)));
    if (ready > 0 && fds[0].revents != 0 && !read_available(pipe.get(), output)) pipe.reset();
  }
}

// With SIGCHLD ignored, as a careless parent may have left it, there would be no exit status to collect.
void keep_exit_statuses() {
  struct sigaction action {};
  if (::sigaction(SIGCHLD, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, nullptr);
  }
}

}  // namespace

RunResult run_program(const std::vector<std::string>& argv, unsigned timeout_s) {
  if (argv.empty() || !argv.front().starts_with('/')) {
    throw base::Error(base::ErrorKind::usage, "run", argv.empty() ? "" : argv.front(),
                      "is not an absolute path");
  }
  const std::string& program = argv.front();
  const auto deadline = Clock::now() + std::chrono::seconds(timeout_s);
  RunResult result;
  result.output.reserve(kMostOutput);
  keep_exit_statuses();

  Pipe pipe(program);
  if (::fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK) == -1) throw_run_error(program, errno);
  SpawnPlan plan(program);
  plan.redirect(pipe.write_end.get());
  plan.isolate();
  pid_t pid = -1;
  if (const int number = plan.start(pid, argv); number != 0) {
    return {kNotStarted, base::Error::from_errno("run", program, number).what()};
  }
  Child child(pid);
  pipe.write_end.reset();

  if (watch(child, std::move(pipe.read_end), deadline, result.output)) {
    result.exit_status = child.exit_status();
  } else {
    child.kill_group();
    result.exit_status = kTimedOut;
  }
  return result;
}

}  // namespace io::posix
