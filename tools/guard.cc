// guard: what the hooks call. Installed as /usr/libexec/schooltool-dbtools/guard.
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "app/guard.h"
#include "base/error.h"

extern char** environ;

namespace {

const cli::ToolSpec kSpec = {
    "guard",
    "the steps before and after an upgrade, for the hooks of apt and dpkg",
    "STEP [ARGUMENT]...",
    {{"config", 0, "FILE", "read this configuration instead of /etc/schooltool-dbtools.conf", false, false},
     {"dry-run", 'n', "", "tell what the step would do and change nothing", false, false}},
    {{0, "go on; the steps after an upgrade always end so"}, {2, "stop: the database could not be copied"}},
    "STEP"};

constexpr std::size_t kListLimit = 16 << 20;

upgrade::Environment read_environment() {
  upgrade::Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return environment;
}

// Piece by piece: nearly every list is short, and a hook that has nothing to do should cost nothing.
std::string read_stream(std::istream& stream) {
  std::string text;
  std::array<char, 64 * 1024> piece;
  while (stream && text.size() < kListLimit) {
    stream.read(piece.data(), piece.size());
    text.append(piece.data(), static_cast<std::size_t>(stream.gcount()));
  }
  return text;
}

// apt writes the list to standard input, or to the descriptor that APT_HOOK_INFO_FD names.
std::string read_list(const upgrade::Environment& environment) {
  const auto fd = environment.find("APT_HOOK_INFO_FD");
  if (fd == environment.end() || fd->second == "0") return read_stream(std::cin);
  if (fd->second.empty() || fd->second.find_first_not_of("0123456789") != std::string::npos) return {};
  std::ifstream stream("/proc/self/fd/" + fd->second, std::ios::binary);
  return read_stream(stream);
}

int run(const cli::Options& options) {
  const auto& words = options.positional();
  const std::string step = words.empty() ? std::string() : words[0];
  const upgrade::Environment environment = read_environment();
  app::Guard guard(options, environment);
  if (step == "before-apt") return guard.before_apt([&] { return read_list(environment); });
  if (step == "before-dpkg") return guard.before_dpkg();
  if (step == "before-preinst" && words.size() >= 2) {
    return guard.before_preinst(words[1], words.size() > 2 ? words[2] : std::string());
  }
  if (step == "after") return guard.after(upgrade::Caller::dpkg_done);
  if (step == "after-postinst") return guard.after(upgrade::Caller::service_start);
  if (step == "triggered") return guard.after(upgrade::Caller::trigger);
  if (step == "tick") return guard.after(upgrade::Caller::cron);
  if (step == "configured") return guard.configured();
  throw base::Error(base::ErrorKind::usage, "run", step, "there is no such step")
      .with_hint(
          "steps: before-apt, before-dpkg, before-preinst PACKAGE [VERSION], after, after-postinst, "
          "triggered, configured, tick");
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
