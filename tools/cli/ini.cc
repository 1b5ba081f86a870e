#include "cli/ini.h"

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <set>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace cli {
namespace {

namespace po = boost::program_options;

[[noreturn]] void refuse(const std::string& file, unsigned line, const std::string& reason) {
  throw base::Error(base::ErrorKind::usage, "", "", file + " line " + std::to_string(line) + ": " + reason);
}

std::vector<po::option> parse(const std::string& text) {
  std::istringstream stream(text);
  return po::parse_config_file(stream, po::options_description(), true).options;
}

}  // namespace

// Boost's parser tells keys as "section.key", but not the line they stood on, and both parts may hold dots.
// So it is given one line at a time, between the heading that applies and a key of our own: what comes back
// before that key stood on this line, and the prefix of that key is the section that applies from here on.
std::vector<base::Setting> parse_ini(const std::string& text, const std::string& file) {
  static constexpr std::string_view probe = "probe";
  std::vector<base::Setting> settings;
  std::set<std::pair<std::string, std::string>> seen;
  std::string heading, prefix;
  unsigned number = 0;
  for (const std::string& line : base::split(text, '\n')) {
    ++number;
    std::vector<po::option> options;
    try {
      options = parse(heading + "\n" + line + "\n" + std::string(probe) + "=\n");
    } catch (const po::error&) {
      refuse(file, number, "not a section, a comment or 'key = value': " + base::quoted(base::trimmed(line)));
    }
    const std::string& probed = options.back().string_key;
    const std::string prefix_now = probed.substr(0, probed.size() - probe.size());
    if (prefix_now != prefix) {
      prefix = prefix_now;
      heading = line;
    }
    const std::string section(base::trimmed(prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1)));
    if (section.empty() && !prefix.empty()) refuse(file, number, "a section without a name");
    if (options.size() == 1) continue;
    const std::string key = options.front().string_key.substr(prefix.size());
    if (key.empty()) refuse(file, number, "a value without a key");
    if (!seen.emplace(section, key).second)
      refuse(file, number, "key " + base::quoted(key) + " is given twice in this section");
    settings.push_back({section, key, options.front().value.front(), file, number});
  }
  return settings;
}

}  // namespace cli
