// zeopack's command line: that of the original, which Python's optparse read, and a few options of our own.
//
// As there: long options may be abbreviated (the original's win over ours), options and servers may be mixed,
// "-d3", "-d 3", "--days=3" and "--days 3" are the same, "-" is a word, "--" ends the options.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/utc_time.h"
#include "zeo/address.h"

namespace zeo {

struct CommandLine {
  enum class Wish { pack, help, version };
  Wish wish = Wish::pack;
  std::vector<Server> servers;  // in the original's order: -h and -p, -U, words, -u
  double time = 0;              // to pack to: seconds since 1970 UTC
  bool all = false;             // the instances of this machine as well
  bool json = false;
  bool progress = false;
  std::int64_t timeout_ms = 30'000;
  std::int64_t pack_timeout_ms = 0;  // 0: none
};

// What is to be written to standard error, as it is, and the exit status: 2 if the options themselves were
// wrong, 1 if what they say is.
struct Refusal {
  std::string text;
  int exit_status = 0;
};

// `words` are those behind the program's name, at least one: without any, the program prints help_text().
// `host_name` is asked for a lonely -p.
std::variant<CommandLine, Refusal> read_command_line(const std::vector<std::string>& words, base::UtcTime now,
                                                     const std::function<std::string()>& host_name);

// What the program prints without arguments, and with --help.
std::string help_text();
// The part of it above the options, which stands before a message about them.
std::string usage_text();

}  // namespace zeo
