#include "upgrade/proc_file.h"

#include <charconv>
#include <span>

#include "base/error.h"
#include "base/text.h"

namespace upgrade {

namespace {

constexpr std::size_t kLargestCommandLine = 8'000'000;  // Linux allows 6 MB

// "42 (name) S 41 ...": the name may hold anything, closing parentheses and spaces included.
std::optional<std::int64_t> parent_in_stat(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= stat.size()) return std::nullopt;
  const char* const begin = stat.data() + name_end + 4;  // ") S "
  std::int64_t parent = 0;
  const auto [end, error] = std::from_chars(begin, stat.data() + stat.size(), parent);
  if (error != std::errc() || parent < 0) return std::nullopt;
  return parent;
}

}  // namespace

std::string read_proc_file(io::Env& env, const std::string& folder, const std::string& name,
                           std::size_t limit) {
  const auto file = env.open_dir(folder, io::Links::refuse)->open_file(name, io::Access::read);
  std::string content;
  std::vector<std::byte> buffer(16384);
  while (content.size() < limit) {
    const std::size_t got = file->read_some(content.size(), buffer);
    if (got == 0) break;
    content += base::as_text(std::span(buffer).first(got));
  }
  if (content.size() > limit) content.resize(limit);
  return content;
}

std::optional<Process> read_process(io::Env& env, std::int64_t pid) {
  if (pid <= 0) return std::nullopt;
  const std::string folder = "/proc/" + std::to_string(pid);
  try {
    const auto parent = parent_in_stat(read_proc_file(env, folder, "stat", 4096));
    if (!parent) return std::nullopt;
    Process process{pid, *parent,
                    base::split(read_proc_file(env, folder, "cmdline", kLargestCommandLine), '\0')};
    if (!process.arguments.empty()) process.arguments.pop_back();  // behind the last NUL
    return process;
  } catch (const base::Error&) {
    return std::nullopt;  // it ended meanwhile
  }
}

}  // namespace upgrade
