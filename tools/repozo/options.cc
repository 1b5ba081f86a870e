#include "repozo/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace repozo {

namespace {

struct LongOption {
  std::string_view name;
  bool argument;
  bool own;  // not in the original
};
// As the original lists them, then ours.
constexpr std::array<LongOption, 20> kLong = {{{"backup", false, false},
                                               {"recover", false, false},
                                               {"verify", false, false},
                                               {"verbose", false, false},
                                               {"help", false, false},
                                               {"repository", true, false},
                                               {"file", true, false},
                                               {"full", false, false},
                                               {"quick", false, false},
                                               {"gzip", false, false},
                                               {"kill-old-on-full", false, false},
                                               {"date", true, false},
                                               {"output", true, false},
                                               {"with-verify", false, false},
                                               {"all", false, true},
                                               {"json", false, true},
                                               {"progress", false, true},
                                               {"keep", true, true},
                                               {"no-verify", false, true},
                                               {"version", false, true}}};

struct ShortOption {
  char letter;
  std::string_view name;
};
constexpr std::array<ShortOption, 14> kShort = {{{'B', "backup"},
                                                 {'R', "recover"},
                                                 {'V', "verify"},
                                                 {'v', "verbose"},
                                                 {'h', "help"},
                                                 {'r', "repository"},
                                                 {'f', "file"},
                                                 {'F', "full"},
                                                 {'Q', "quick"},
                                                 {'z', "gzip"},
                                                 {'k', "kill-old-on-full"},
                                                 {'D', "date"},
                                                 {'o', "output"},
                                                 {'w', "with-verify"}}};

struct UsageFault {
  std::string text;
};

const LongOption& by_name(std::string_view name) {
  return *std::find_if(kLong.begin(), kLong.end(),
                       [&](const LongOption& option) { return option.name == name; });
}

// The one that `given` is, or abbreviates. Ours have to be given in full, so that what the original
// understands means here what it means there.
const LongOption& find_long(std::string_view given) {
  const LongOption* found = nullptr;
  bool unique = true;
  for (const LongOption& option : kLong) {
    if (option.name == given) return option;
    if (option.own || !option.name.starts_with(given)) continue;
    unique = found == nullptr;
    found = &option;
    if (!unique) break;
  }
  if (found == nullptr) throw UsageFault{"option --" + std::string(given) + " not recognized"};
  if (!unique) throw UsageFault{"option --" + std::string(given) + " not a unique prefix"};
  return *found;
}

struct Given {
  std::string_view name;  // long
  std::string value;
};

// getopt.getopt of Python.
class Getopt {
 public:
  explicit Getopt(const std::vector<std::string>& words) : words_(words) {}

  void run() {
    while (next_ < words_.size()) {
      const std::string& word = words_[next_];
      if (!word.starts_with('-') || word == "-") break;
      ++next_;
      if (word == "--") break;
      if (word.starts_with("--")) {
        take_long(word.substr(2));
      } else {
        take_short(word.substr(1));
      }
    }
  }
  const std::vector<Given>& given() const { return given_; }
  std::vector<std::string> rest() const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(next_), words_.end()};
  }

 private:
  void take_long(std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string_view given = text.substr(0, equals);
    const LongOption& option = find_long(given);
    const std::string name(option.name);
    std::string value;
    if (equals != std::string_view::npos) {
      if (!option.argument) throw UsageFault{"option --" + name + " must not have an argument"};
      value = text.substr(equals + 1);
    } else if (option.argument) {
      if (next_ == words_.size()) throw UsageFault{"option --" + name + " requires argument"};
      value = words_[next_++];
    }
    given_.push_back({option.name, std::move(value)});
  }

  void take_short(std::string_view letters) {
    while (!letters.empty()) {
      const char letter = letters.front();
      letters.remove_prefix(1);
      const auto* found = std::find_if(kShort.begin(), kShort.end(),
                                       [&](const ShortOption& option) { return option.letter == letter; });
      if (found == kShort.end()) throw UsageFault{std::string("option -") + letter + " not recognized"};
      if (!by_name(found->name).argument) {
        given_.push_back({found->name, ""});
        continue;
      }
      if (letters.empty() && next_ == words_.size()) {
        throw UsageFault{std::string("option -") + letter + " requires argument"};
      }
      given_.push_back({found->name, letters.empty() ? words_[next_++] : std::string(letters)});
      return;
    }
  }

  const std::vector<std::string>& words_;
  std::size_t next_ = 0;
  std::vector<Given> given_;
};

unsigned chains_to_keep(const std::string& text) {
  unsigned number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number == 0) {
    throw UsageFault{"--keep needs a number of chains, 1 or more"};
  }
  return number;
}

void set_mode(Options& options, Mode mode) {
  if (options.mode != Mode::none) throw UsageFault{"-B, -R, and -V are mutually exclusive"};
  options.mode = mode;
}

void set_switch(Options& options, std::string_view name) {
  const std::array<std::pair<std::string_view, bool*>, 11> switches = {
      {{"version", &options.version},
       {"verbose", &options.verbose},
       {"full", &options.full},
       {"quick", &options.quick},
       {"gzip", &options.gzip},
       {"kill-old-on-full", &options.kill_old},
       {"with-verify", &options.with_verify},
       {"all", &options.all},
       {"json", &options.json},
       {"progress", &options.progress},
       {"no-verify", &options.no_verify}}};
  for (const auto& [its_name, place] : switches) {
    if (its_name == name) *place = true;
  }
}

// False as soon as the help is asked for: nothing behind it counts.
bool take(Options& options, const Given& given) {
  if (given.name == "help") {
    options.help = true;
    return false;
  }
  if (given.name == "backup") {
    set_mode(options, Mode::backup);
  } else if (given.name == "recover") {
    set_mode(options, Mode::recover);
  } else if (given.name == "verify") {
    set_mode(options, Mode::verify);
  } else if (given.name == "repository") {
    options.repository = given.value;
  } else if (given.name == "file") {
    options.file = given.value;
  } else if (given.name == "date") {
    options.date = given.value;
  } else if (given.name == "output") {
    options.output = given.value;
  } else if (given.name == "keep") {
    options.keep = chains_to_keep(given.value);
  } else {
    set_switch(options, given.name);
    return !options.version;
  }
  return true;
}

void drop(Options& options, bool was_given, const std::string& name, const std::string& mode) {
  if (was_given) options.ignored.push_back("--" + name + " option is ignored in " + mode + " mode");
}

void drop_backup_options(Options& options, const std::string& mode) {
  drop(options, options.keep.has_value(), "keep", mode);
}

// Told in the order of the original; ours behind them.
void drop_foreign(Options& options) {
  switch (options.mode) {
    case Mode::backup:
      drop(options, options.date.has_value(), "date", "backup");
      drop(options, options.output.has_value(), "output", "backup");
      drop(options, options.with_verify, "with-verify", "backup");
      drop(options, options.all, "all", "backup");
      drop(options, options.no_verify, "no-verify", "backup");
      break;
    case Mode::recover:
      drop(options, options.file.has_value(), "file", "recover");
      drop(options, options.kill_old, "kill-old-on-full", "recover");
      drop(options, options.all, "all", "recover");
      drop_backup_options(options, "recover");
      break;
    case Mode::verify:
      drop(options, options.date.has_value(), "date", "verify");
      drop(options, options.output.has_value(), "output", "verify");
      drop(options, options.full, "full", "verify");
      drop(options, options.gzip, "gzip", "verify");
      drop(options, options.file.has_value(), "file", "verify");
      drop(options, options.kill_old, "kill-old-on-full", "verify");
      drop(options, options.with_verify, "with-verify", "verify");
      drop(options, options.no_verify, "no-verify", "verify");
      drop_backup_options(options, "verify");
      break;
    case Mode::none: break;
  }
}

std::string joined(const std::vector<std::string>& words) {
  std::string text = words.front();
  for (std::size_t at = 1; at < words.size(); ++at) text += ", " + words[at];
  return text;
}

// In the order in which the original looks.
void check(Options& options, const std::vector<std::string>& rest) {
  if (!rest.empty()) throw UsageFault{"Invalid arguments: " + joined(rest)};
  if (options.mode == Mode::none) throw UsageFault{"Either --backup, --recover or --verify is required"};
  if (!options.repository) throw UsageFault{"--repository is required"};
  drop_foreign(options);
  if (options.mode == Mode::backup && options.file.value_or("").empty()) {
    throw UsageFault{"--file is required in backup mode"};
  }
  if (options.json && options.mode == Mode::recover && !options.output) {
    throw UsageFault{"--json needs --output in recover mode"};
  }
}

}  // namespace

ParsedOptions parse_options(const std::vector<std::string>& words) {
  ParsedOptions parsed;
  try {
    Getopt getopt(words);
    getopt.run();
    for (const Given& given : getopt.given()) {
      if (!take(parsed.options, given)) return parsed;
    }
    check(parsed.options, getopt.rest());
  } catch (const UsageFault& fault) {
    parsed.error = fault.text;
  }
  return parsed;
}

}  // namespace repozo
