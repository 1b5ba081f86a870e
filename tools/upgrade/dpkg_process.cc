#include "upgrade/dpkg_process.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "upgrade/proc_file.h"

namespace upgrade {

namespace {

constexpr unsigned kDeepestProcessTree = 64;
constexpr unsigned kDeepestFolder = 16;
constexpr std::size_t kMostArchives = 20'000;
constexpr unsigned kAskTimeout = 30;  // seconds, for one .deb

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}
bool is_archive_name(std::string_view name) {
  return name.size() > 4 && name.substr(name.size() - 4) == ".deb";
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// The programs that carry apt's library and start dpkg themselves. Scripts are known by the second word of
// their command line.
bool is_apt(const Process& process) {
  static constexpr std::string_view kPrograms[] = {
      "apt",  "apt-get", "aptitude", "synaptic", "packagekitd", "unattended-upgrade", "unattended-upgrades",
      "aptd", "nala"};
  const auto known = [](std::string_view name) {
    return std::find(std::begin(kPrograms), std::end(kPrograms), name) != std::end(kPrograms);
  };
  if (process.arguments.empty()) return false;
  if (known(base_name(process.arguments[0]))) return true;
  if (!starts_with(base_name(process.arguments[0]), "python")) return false;
  const auto script = std::find_if(process.arguments.begin() + 1, process.arguments.end(),
                                   [](const std::string& word) { return !starts_with(word, "-"); });
  return script != process.arguments.end() && known(base_name(*script));
}

// dpkg's options of which the next word is the value, if none is attached.
bool takes_value(std::string_view option) {
  static constexpr std::string_view kOptions[] = {
      "--root",        "--instdir",    "--admindir",    "--ignore-depends", "--debug",
      "--abort-after", "--pre-invoke", "--post-invoke", "--path-exclude",   "--path-include",
      "--status-fd",   "--log",        "--command-fd",  "--status-logger",  "--verify-format"};
  return std::find(std::begin(kOptions), std::end(kOptions), option) != std::end(kOptions);
}

bool is_name_of_package(std::string_view text) {
  return text.size() >= 2 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
         });
}

// Name and version of a .deb, from its control file. Empty if dpkg-deb cannot tell.
std::optional<PackageChange> ask_archive(io::Env& env, const std::string& path) {
  const io::RunResult result =
      env.run({"/usr/bin/dpkg-deb", "--showformat=${Package} ${Version}\\n", "--show", path}, kAskTimeout);
  if (result.exit_status != 0) return std::nullopt;
  std::optional<PackageChange> change;
  for (const std::string& line : base::split(result.output, '\n')) {  // warnings stand among the output
    const std::vector<std::string> words = base::split(line, ' ');
    if (words.size() != 2 || !is_name_of_package(words[0]) || words[1].empty()) continue;
    if (change) return std::nullopt;
    change = PackageChange{words[0], "", words[1]};
  }
  return change;
}

// Adds the archives of a folder and those below it. False if something there is not plain to see: then
// nothing is certain.
bool find_archives(io::Dir& folder, const std::string& path, unsigned depth,
                   std::vector<std::string>& found) {
  if (depth > kDeepestFolder) return false;
  for (const std::string& name : folder.list()) {
    const auto status = folder.status(name);
    if (!status) return false;
    if (status->type == io::FileType::directory) {
      if (!find_archives(*folder.open_dir(name), path + "/" + name, depth + 1, found)) return false;
    } else if (is_archive_name(name)) {
      found.push_back(path + "/" + name);  // apt itself puts links to its archives there
    } else if (status->type == io::FileType::symlink) {
      return false;  // dpkg follows one to a folder
    }
    if (found.size() > kMostArchives) return false;
  }
  return true;
}

std::optional<Process> nearest_dpkg(io::Env& env) {
  auto process = read_process(env, env.process_id());
  for (unsigned depth = 0; process && depth < kDeepestProcessTree; ++depth) {
    if (!process->arguments.empty() && base_name(process->arguments[0]) == "dpkg") return process;
    process = process->parent > 0 ? read_process(env, process->parent) : std::nullopt;
  }
  return std::nullopt;
}

// Every archive that the command unpacks, with a path that can be opened from here. Empty if that cannot be
// told.
std::optional<std::vector<std::string>> archives_of(io::Env& env, const DpkgCommand& command,
                                                    std::int64_t pid) {
  std::vector<std::string> found;
  for (const std::string& given : command.archives) {
    const std::string path =
        starts_with(given, "/") ? given : "/proc/" + std::to_string(pid) + "/cwd/" + given;
    if (!command.recursive) {
      found.push_back(path);
      continue;
    }
    try {
      const auto folder = env.open_dir(path, io::Links::administrator);
      if (!find_archives(*folder, path, 0, found)) return std::nullopt;
    } catch (const base::Error&) {
      return std::nullopt;  // gone, or reached through a link that anybody could have made
    }
  }
  return found;
}

}  // namespace

bool is_foreign_root(const Environment& environment) {
  const auto root = environment.find("DPKG_ROOT");
  return root != environment.end() && root->second.find_first_not_of('/') != std::string::npos;
}

bool names_foreign_root(const std::vector<std::string>& dpkg_options) {
  for (std::size_t i = 0; i < dpkg_options.size(); ++i) {
    for (const std::string_view option : {"--root", "--instdir", "--admindir"}) {
      if (!starts_with(dpkg_options[i], option)) continue;
      std::string value = dpkg_options[i].substr(option.size());
      if (value.empty() && i + 1 < dpkg_options.size()) value = "=" + dpkg_options[i + 1];
      if (!starts_with(value, "=")) continue;
      value.erase(0, 1);
      while (!value.empty() && value.back() == '/') value.pop_back();
      if (!value.empty() && !(option == "--admindir" && value == "/var/lib/dpkg")) return true;
    }
  }
  return false;
}

DpkgCommand parse_dpkg_command(const std::vector<std::string>& arguments) {
  // As dpkg does it: options come first; short ones may be joined, "-iR"; the first other word, or "--", ends
  // them.
  bool unpacks = false;
  DpkgCommand command;
  command.understood = true;
  std::size_t at = 0;
  while (at < arguments.size() && arguments[at].size() > 1 && arguments[at][0] == '-') {
    const std::string& word = arguments[at++];
    if (word == "--") break;
    if (starts_with(word, "--")) {
      if (word == "--install" || word == "--unpack") unpacks = true;
      if (word == "--recursive") command.recursive = true;
      if (word == "--no-act" || word == "--dry-run" || word == "--simulate") command.simulated = true;
      if (starts_with(word, "--command-fd")) command.understood = false;  // its commands come from elsewhere
      if (takes_value(word)) ++at;
      continue;
    }
    for (std::size_t letter = 1; letter < word.size(); ++letter) {
      if (word[letter] == 'i') unpacks = true;
      if (word[letter] == 'R') command.recursive = true;
      if (word[letter] == 'D') {  // takes a value: the rest of the word, or the next one
        if (letter + 1 == word.size()) ++at;
        break;
      }
    }
  }
  command.unpacks = unpacks && !command.simulated;
  if (!command.unpacks) return command;
  for (; at < arguments.size(); ++at) command.archives.push_back(arguments[at]);
  if (command.archives.empty()) command.understood = false;
  return command;
}

bool is_simulated(io::Env& env) {
  const auto process = nearest_dpkg(env);
  return process && parse_dpkg_command({process->arguments.begin() + 1, process->arguments.end()}).simulated;
}

DpkgRun find_dpkg(io::Env& env) {
  DpkgRun run;
  const auto process = nearest_dpkg(env);
  if (!process) return run;
  run.found = true;
  if (const auto parent = read_process(env, process->parent)) run.under_apt = is_apt(*parent);

  const DpkgCommand command = parse_dpkg_command({process->arguments.begin() + 1, process->arguments.end()});
  if (!command.understood) return run;
  run.understood = true;
  if (!command.unpacks) return run;
  const auto archives = archives_of(env, command, process->pid);
  if (!archives) {
    run.understood = false;
    return run;
  }
  for (const std::string& archive : *archives) {
    const auto change = ask_archive(env, archive);
    if (!change) {
      run.understood = false;  // the others are still worth knowing
      continue;
    }
    run.unpacked.push_back(*change);
  }
  return run;
}

}  // namespace upgrade
