#include <algorithm>
#include <string>
#include <string_view>

#include "cli/tool_main.h"

namespace cli {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kWidestOption = 30;  // a longer one stands on a line of its own

// Appends `text` broken at spaces, its first line beginning at column `at` and all others at `indent`.
void append_wrapped(std::string& out, std::string_view text, std::size_t at, std::size_t indent) {
  bool first_word = true;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (!first_word && at + 1 + word.size() > kWidth) {
      out += "\n" + std::string(indent, ' ');
      at = indent;
    } else if (!first_word) {
      out += ' ';
      ++at;
    }
    out += word;
    at += word.size();
    first_word = false;
  }
  out += '\n';
}

std::string left_column(const OptionSpec& option) {
  std::string text = option.letter == 0 ? "      --" : std::string("  -") + option.letter + ", --";
  text += option.name;
  if (!option.argument.empty()) text += "=" + option.argument;
  return text;
}

}  // namespace

std::string help_text(const ToolSpec& spec) {
  std::string out = "Usage: " + spec.name + " ";
  append_wrapped(out, spec.synopsis, out.size(), 7);
  append_wrapped(out, spec.summary, 0, 0);

  std::vector<OptionSpec> options = spec.options;
  options.push_back({.name = "help", .argument = "", .help = "show this help and exit"});
  options.push_back({.name = "version", .argument = "", .help = "show the version and exit"});
  std::size_t widest = 0;
  for (const OptionSpec& option : options) {
    const std::size_t width = left_column(option).size();
    if (width <= kWidestOption) widest = std::max(widest, width);
  }
  out += "\nOptions:\n";
  for (const OptionSpec& option : options) {
    const std::string left = left_column(option);
    out += left;
    out += left.size() <= widest ? std::string(widest + 2 - left.size(), ' ')
                                 : "\n" + std::string(widest + 2, ' ');
    append_wrapped(out, option.help, widest + 2, widest + 2);
  }

  out += "\nExit status:\n";
  for (const auto& [code, meaning] : spec.exit_codes) {
    const std::string left = "  " + std::to_string(code) + "  ";
    out += left;
    append_wrapped(out, meaning, left.size(), left.size());
  }
  return out;
}

}  // namespace cli
