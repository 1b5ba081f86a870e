// repozo's command line, read as Python's getopt reads it for the original: long options may be abbreviated
// as long as that is unique, short ones joined, and the first word that is no option ends them.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace repozo {

enum class Mode { none, backup, recover, verify };

struct Options {
  Mode mode = Mode::none;
  bool help = false, version = false;
  bool verbose = false, full = false, quick = false, gzip = false, kill_old = false, with_verify = false;
  // Own ones; they have no short form, and none of the original's abbreviations becomes ambiguous.
  bool all = false, json = false, progress = false, no_verify = false;
  std::optional<unsigned> keep;
  std::optional<std::string> repository, file, date, output;
  // What a verbose run says about options of another mode.
  std::vector<std::string> ignored;
};

struct ParsedOptions {
  Options options;
  std::string error;  // "" or the line behind the help text
};

// `words` are those behind the program's name.
ParsedOptions parse_options(const std::vector<std::string>& words);

// Ends in an empty line, as the original prints it.
std::string help_text();

}  // namespace repozo
