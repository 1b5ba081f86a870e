#include "upgrade/dpkg.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "upgrade/proc_file.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

constexpr unsigned kAskTimeout = 60;  // seconds
constexpr const char* kQuery = "/usr/bin/dpkg-query";

bool matches(std::string_view text, std::string_view pattern) {
  std::size_t at = 0, in_pattern = 0;
  std::optional<std::size_t> star;  // the last '*', and how much of the text it has taken so far
  std::size_t taken = 0;
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      taken = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == text[at]) {
      ++in_pattern;
      ++at;
    } else if (star) {
      in_pattern = *star + 1;
      at = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

std::optional<PackageState> state_from(std::string_view word) {
  if (word == "not-installed") return PackageState::not_installed;
  if (word == "config-files") return PackageState::config_files;
  if (word == "half-installed") return PackageState::half_installed;
  if (word == "unpacked") return PackageState::unpacked;
  if (word == "half-configured") return PackageState::half_configured;
  if (word == "triggers-awaited" || word == "triggers-pending") return PackageState::triggers_pending;
  if (word == "installed") return PackageState::installed;
  return std::nullopt;
}

// How far from being done: 0 for a package that is not there, then done, then the further the less is done.
int distance(PackageState state) {
  if (state == PackageState::not_installed || state == PackageState::config_files)
    return static_cast<int>(state);
  return 10 - static_cast<int>(state);
}

// One line of /proc/locks that holds a lock: "1: POSIX  ADVISORY  WRITE 1234 08:01:12345 0 EOF".
struct KernelLock {
  std::int64_t pid = 0;
  std::uint64_t device = 0, inode = 0;
};

std::uint64_t number(std::string_view text, int base) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

// Empty for other lines; those that only wait for a lock ("1: -> POSIX...") among them.
std::optional<KernelLock> parse_lock(const std::string& line) {
  std::vector<std::string> words = base::split(line, ' ');
  words.erase(std::remove(words.begin(), words.end(), std::string()), words.end());
  if (words.size() < 8 || (words[1] != "POSIX" && words[1] != "OFDLCK") || words[3] != "WRITE")
    return std::nullopt;
  const std::vector<std::string> file = base::split(words[5], ':');
  if (file.size() != 3) return std::nullopt;
  KernelLock lock;
  std::from_chars(words[4].data(), words[4].data() + words[4].size(), lock.pid);
  const std::uint64_t major = number(file[0], 16), minor = number(file[1], 16);
  // As Linux puts both numbers into st_dev.
  lock.device = (major & 0xfffU) << 8U | (major & ~std::uint64_t{0xfff}) << 32U | (minor & 0xffU) |
                (minor & ~std::uint64_t{0xff}) << 12U;
  lock.inode = number(file[2], 10);
  return lock;
}

bool is_package_manager(io::Env& env, std::int64_t pid) {
  const auto process = read_process(env, pid);
  if (!process || process->arguments.empty()) return false;
  const std::string name = process->arguments[0].substr(process->arguments[0].rfind('/') + 1);
  return name == "dpkg" || name.find("apt") != std::string::npos;
}

}  // namespace

bool is_guarded_package(const std::string& name, const std::vector<std::string>& patterns) {
  if (matches(name, "schooltool-dbtools*") || name == "dh-schooltool-dbtools") return false;
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches(name, pattern); });
}

std::map<std::string, PackageState> package_states(io::Env& env, const std::vector<std::string>& patterns) {
  std::map<std::string, PackageState> states;
  if (patterns.empty()) return states;  // without a pattern dpkg-query lists everything
  std::vector<std::string> argv = {kQuery, "-W", "-f=${binary:Package} ${db:Status-Status}\\n", "--"};
  argv.insert(argv.end(), patterns.begin(), patterns.end());
  const io::RunResult result = env.run(argv, kAskTimeout);
  // 1: one of the patterns matches nothing; the others are listed all the same.
  if (result.exit_status != 0 && result.exit_status != 1) {
    throw Error(ErrorKind::io, "run", kQuery,
                "exit status " + std::to_string(result.exit_status) + ": " +
                    base::quoted(base::trimmed(result.output)));
  }
  for (const std::string& line : base::split(result.output, '\n')) {
    if (line.empty() || line.find("no packages found matching") != std::string::npos) continue;
    const std::size_t space = line.find(' ');
    const auto state = state_from(space == std::string::npos ? std::string_view()
                                                             : std::string_view(line).substr(space + 1));
    if (!state) throw Error(ErrorKind::io, "run", kQuery, "said " + base::quoted(line));
    const std::string name = line.substr(0, std::min(line.find(':'), space));
    if (!is_guarded_package(name, patterns)) continue;
    const auto [entry, added] = states.emplace(name, *state);
    if (!added && distance(*state) > distance(entry->second)) entry->second = *state;
  }
  return states;
}

bool dpkg_is_running(io::Env& env) {
  std::optional<io::FileStatus> status;
  std::string locks;
  try {
    status = env.open_dir("/var/lib/dpkg", io::Links::administrator)->status("lock");
    locks = read_proc_file(env, "/proc", "locks", 16'000'000);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    return false;  // no dpkg, or no /proc, here
  }
  if (!status) return false;
  for (const std::string& line : base::split(locks, '\n')) {
    const auto lock = parse_lock(line);
    if (!lock || lock->inode != status->inode || lock->pid == env.process_id()) continue;
    // On overlayfs and btrfs the kernel's device number here is not the one stat shows: then the holder's
    // name decides.
    if (lock->device == status->device || is_package_manager(env, lock->pid)) return true;
  }
  return false;
}

}  // namespace upgrade
