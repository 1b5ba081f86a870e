// The only file that includes Boost's command line parser.
#include <algorithm>
#include <boost/program_options/cmdline.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>

#include "base/error.h"
#include "base/text.h"
#include "cli/tool_main.h"

namespace cli {
namespace {

namespace po = boost::program_options;

[[noreturn]] void refuse(const ToolSpec& spec, const std::string& reason) {
  throw base::Error(base::ErrorKind::usage, "", "", reason).with_hint("try '" + spec.name + " --help'");
}

// GNU getopt_long without its guessing.
constexpr int kStyle = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                       po::command_line_style::long_allow_next | po::command_line_style::allow_short |
                       po::command_line_style::allow_dash_for_short |
                       po::command_line_style::short_allow_adjacent |
                       po::command_line_style::short_allow_next | po::command_line_style::allow_sticky;

po::options_description describe(const ToolSpec& spec) {
  po::options_description description;
  description.add_options()("help", "")("version", "");
  for (const OptionSpec& option : spec.options) {
    const std::string names = option.letter == 0 ? option.name : option.name + "," + option.letter;
    if (option.argument.empty())
      description.add_options()(names.c_str(), "");
    else
      description.add_options()(names.c_str(), new po::untyped_value, "");  // owned by the description
  }
  return description;
}

std::vector<po::option> parse(const ToolSpec& spec, const std::vector<std::string>& words) {
  using Syntax = po::invalid_command_line_syntax;
  const po::options_description description = describe(spec);
  try {
    return po::command_line_parser(words).options(description).style(kStyle).run().options;
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name();
    refuse(spec, "unknown option " + base::quoted(name.substr(0, name.find('='))));
  } catch (const Syntax& error) {
    const std::string name = base::quoted(error.get_option_name());
    if (error.kind() == po::invalid_syntax::extra_parameter)
      refuse(spec, "option " + name + " takes no argument");
    refuse(spec, "option " + name + " needs an argument");
  } catch (const po::error& error) {
    refuse(spec, error.what());
  }
}

}  // namespace

Options parse_options(const ToolSpec& spec, const std::vector<std::string>& words) {
  Options result;
  for (const po::option& option : parse(spec, words)) {
    if (option.string_key.empty()) {
      // Boost takes "--=x" for the word "x".
      const std::string& word = option.value.front();
      if (option.original_tokens.front() != word)
        refuse(spec, "unknown option " + base::quoted(option.original_tokens.front()));
      if (spec.positional.empty()) refuse(spec, "unexpected word " + base::quoted(word));
      result.positional_.push_back(word);
      continue;
    }
    const auto known = std::find_if(spec.options.begin(), spec.options.end(),
                                    [&](const OptionSpec& o) { return o.name == option.string_key; });
    const bool listed = known != spec.options.end();  // else --help or --version
    if (listed && !known->repeatable && result.has(option.string_key))
      refuse(spec, "option " + base::quoted("--" + option.string_key) + " is given twice");
    result.given_.push_back(
        {option.string_key, option.value.empty() ? "yes" : option.value.front(), listed && known->setting});
  }
  return result;
}

bool Options::has(const std::string& name) const {
  return std::any_of(given_.begin(), given_.end(), [&](const Given& given) { return given.name == name; });
}

std::optional<std::string> Options::value(const std::string& name) const {
  const auto found =
      std::find_if(given_.begin(), given_.end(), [&](const Given& given) { return given.name == name; });
  if (found == given_.end()) return std::nullopt;
  return found->value;
}

std::vector<std::string> Options::values(const std::string& name) const {
  std::vector<std::string> values;
  for (const Given& given : given_)
    if (given.name == name) values.push_back(given.value);
  return values;
}

std::vector<std::pair<std::string, std::string>> Options::given() const {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Given& given : given_)
    if (given.setting) settings.emplace_back(given.name, given.value);
  return settings;
}

}  // namespace cli
