// What every program has in common: its description, --help, --version, usage errors, the exit status, and
// one place where exceptions become messages.
//
//   int main(int argc, char** argv) { return cli::tool_main(kSpec, argc, argv, run); }
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cli {

enum ExitCode : int { kDone = 0, kNo = 1, kCouldNot = 2, kBusy = 3 };

struct OptionSpec {
  std::string name;         // long name without dashes
  char letter = 0;          // or a short one as well
  std::string argument;     // "NAME" if it takes one; empty for a switch
  std::string help;         // one sentence, lower case, no full stop
  bool repeatable = false;  // otherwise a second one is a usage error
  bool setting = false;     // has the name and meaning of a key of the configuration file
};

struct ToolSpec {
  std::string name;                 // as installed: "schooltool-db-snapshot"
  std::string summary;              // as in the NAME section of its man page
  std::string synopsis;             // behind the name: "[OPTION]... [--all | --instance NAME]"
  std::vector<OptionSpec> options;  // --help and --version come by themselves
  std::vector<std::pair<int, std::string>> exit_codes;
  std::string positional = {};  // "" if there are none, otherwise the word for them: "VERB"
  bool writes = true;           // false: a tool that changes nothing even without --dry-run
};

// What the command line said.
class Options {
 public:
  bool has(const std::string& name) const;
  // Value of an option that takes one; empty if it was not given.
  std::optional<std::string> value(const std::string& name) const;
  std::vector<std::string> values(const std::string& name) const;
  const std::vector<std::string>& positional() const { return positional_; }
  // The options given that are settings, as key and value in the order given, for upgrade::apply_settings. A
  // switch has the value "yes".
  std::vector<std::pair<std::string, std::string>> given() const;

 private:
  friend Options parse_options(const ToolSpec&, const std::vector<std::string>&);
  struct Given {
    std::string name, value;
    bool setting;
  };
  std::vector<Given> given_;
  std::vector<std::string> positional_;
};

// `words` are those behind the program's name. "--name=value", "--name value", "-nvalue", "-n value" and
// "-abc" for three switches; "--" ends the options. Long options may not be abbreviated. Throws Error(usage).
Options parse_options(const ToolSpec& spec, const std::vector<std::string>& words);

// What --help prints: usage line, summary, options in two columns, exit status; lines of at most 80
// characters.
std::string help_text(const ToolSpec& spec);

// Runs `run` and returns the exit status: --help and --version on standard output with 0; a usage error with
// 2 and a pointer to --help; busy 3; any other Error 2, as "NAME: operation 'path': reason" with "NAME: hint"
// on the next line; any other exception 2; a failed flush of standard output 2. All messages go to standard
// error. SIGPIPE is ignored from here on: a reader that goes away must not kill a program half way through a
// rollback.
int tool_main(const ToolSpec& spec, int argc, char** argv, const std::function<int(const Options&)>& run);

}  // namespace cli
