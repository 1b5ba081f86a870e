#include "zeo/command_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace zeo {
namespace {

using base::Error;
using base::ErrorKind;

constexpr double kSecondsPerDay = 86400;
constexpr double kLongestTimeout = 1e6;  // seconds

// As the words come; what they mean together is looked at afterwards.
struct Raw {
  CommandLine result;
  double days = 0;
  double port = 0;
  std::string time, host, unix, name = kDefaultStorage;
  std::vector<std::string> unix_sockets, words;
};

[[noreturn]] void refuse(std::string reason) {
  throw Error(ErrorKind::usage, "", "", std::move(reason));
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

// Python's int(text, radix): blanks around it, a sign, the radix's own prefix, single underscores between
// digits.
std::optional<double> python_int(std::string_view text, int radix) {
  text = base::trimmed(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::string_view prefix = radix == 16 ? "x" : radix == 8 ? "o" : radix == 2 ? "b" : "";
  if (!prefix.empty() && text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == prefix[0]) {
    text.remove_prefix(2);
    if (text.starts_with('_')) text.remove_prefix(1);
  }
  double number = 0;
  bool after_digit = false;
  for (const char c : text) {
    const int digit = digit_value(c);
    if (c == '_' ? !after_digit : digit >= radix) return std::nullopt;
    after_digit = c != '_';
    if (after_digit) number = number * radix + digit;
  }
  if (!after_digit) return std::nullopt;
  return negative ? -number : number;
}

// What optparse takes for an integer: 0x10, 0b11 and 010 in their radix.
double parse_integer(const std::string& option, const std::string& text) {
  const std::string_view start = std::string_view(text).substr(0, 2);
  const bool hexadecimal = start == "0x" || start == "0X";
  const bool binary = start == "0b" || start == "0B";
  const int radix = hexadecimal ? 16 : binary ? 2 : text.starts_with('0') ? 8 : 10;
  const auto number = python_int(binary && text.size() == 2 ? "0" : text, radix);
  if (!number) refuse("option " + option + ": invalid integer value: " + python_repr(text));
  return *number;
}

std::int64_t parse_milliseconds(const std::string& option, const std::string& text, double least) {
  double seconds = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size())
    refuse("option " + option + ": invalid floating-point value: " + python_repr(text));
  if (!(seconds >= least && seconds <= kLongestTimeout))
    refuse("option " + option + ": not a sensible number of seconds: " + python_repr(text));
  return static_cast<std::int64_t>(std::ceil(seconds * 1000));
}

struct Option {
  char letter;            // 0 if there is none
  std::string_view name;  // "" if there is none
  bool is_original;
  void (*apply)(Raw& raw, const std::string& option, const std::string& value);
  bool takes_value = true;
};

constexpr auto kOptions = std::to_array<Option>({
    {'d', "days", true,
     [](Raw& raw, const auto& option, const auto& value) { raw.days = parse_integer(option, value); }},
    {'t', "time", true, [](Raw& raw, const auto&, const auto& value) { raw.time = value; }},
    {'u', "unix", true, [](Raw& raw, const auto&, const auto& value) { raw.unix_sockets.push_back(value); }},
    {'h', "", true, [](Raw& raw, const auto&, const auto& value) { raw.host = value; }},
    {'p', "", true,
     [](Raw& raw, const auto& option, const auto& value) { raw.port = parse_integer(option, value); }},
    {'S', "", true, [](Raw& raw, const auto&, const auto& value) { raw.name = value; }},
    {'U', "", true, [](Raw& raw, const auto&, const auto& value) { raw.unix = value; }},
    {0, "timeout", false,
     [](Raw& raw, const auto& option, const auto& value) {
       raw.result.timeout_ms = parse_milliseconds(option, value, 0.001);
     }},
    {0, "pack-timeout", false,
     [](Raw& raw, const auto& option, const auto& value) {
       raw.result.pack_timeout_ms = parse_milliseconds(option, value, 0);
     }},
    {0, "all", false, [](Raw& raw, const auto&, const auto&) { raw.result.all = true; }, false},
    {0, "json", false, [](Raw& raw, const auto&, const auto&) { raw.result.json = true; }, false},
    {0, "progress", false, [](Raw& raw, const auto&, const auto&) { raw.result.progress = true; }, false},
    {0, "help", false, [](Raw& raw, const auto&, const auto&) { raw.result.wish = CommandLine::Wish::help; },
     false},
    {0, "version", false,
     [](Raw& raw, const auto&, const auto&) { raw.result.wish = CommandLine::Wish::version; }, false},
});

const Option& find_short(char letter) {
  for (const Option& option : kOptions)
    if (option.letter != 0 && option.letter == letter) return option;
  refuse(std::string("no such option: -") + letter);
}

// By its whole name, or a beginning that no other has.
const Option& find_long(const std::string& name) {
  std::vector<const Option*> original, own;
  for (const Option& option : kOptions) {
    if (option.name.empty() || !option.name.starts_with(name)) continue;
    if (option.name == name) return option;
    (option.is_original ? original : own).push_back(&option);
  }
  const auto& found = original.empty() ? own : original;
  if (found.empty()) refuse("no such option: --" + name);
  if (found.size() == 1) return *found.front();
  std::string names;
  for (const Option* option : found) names += (names.empty() ? "--" : ", --") + std::string(option->name);
  refuse("ambiguous option: --" + name + " (" + names + "?)");
}

class Parser {
 public:
  explicit Parser(std::span<const std::string> words) : left_(words) {}

  Raw parse() {
    while (!left_.empty() && raw_.result.wish == CommandLine::Wish::pack) {
      const std::string word = take();
      if (word == "--") break;
      if (word.starts_with("--"))
        take_long(word.substr(2));
      else if (word.starts_with('-') && word.size() > 1)
        take_cluster(word);
      else
        raw_.words.push_back(word);
    }
    raw_.words.insert(raw_.words.end(), left_.begin(), left_.end());
    return std::move(raw_);
  }

 private:
  std::string take() {
    std::string word = left_.front();
    left_ = left_.subspan(1);
    return word;
  }

  void take_long(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::string given = text.substr(0, equals);
    const Option& option = find_long(given);
    const std::string name = "--" + std::string(option.name);
    if (!option.takes_value && equals != std::string::npos) refuse(name + " option does not take a value");
    option.apply(raw_, name,
                 !option.takes_value           ? ""
                 : equals == std::string::npos ? take_value(name)
                                               : text.substr(equals + 1));
  }

  // One or more letters; what follows one that takes a value is its value. No letter of ours is a switch.
  void take_cluster(const std::string& word) {
    const Option& option = find_short(word[1]);
    const std::string name = word.substr(0, 2);
    option.apply(raw_, name, word.size() > 2 ? word.substr(2) : take_value(name));
  }

  std::string take_value(const std::string& name) {
    if (left_.empty()) refuse(name + " option requires 1 argument");
    return take();
  }

  std::span<const std::string> left_;
  Raw raw_;
};

// The moment to pack to, before the days come off: now, or H[:M[:S]] of today in local time.
double time_of_day(const std::string& text, base::UtcTime now) {
  if (text.empty()) return static_cast<double>(now.seconds) + static_cast<double>(now.nanoseconds) / 1e9;
  const std::vector<std::string> parts = base::split(text, ':');
  std::array<int, 3> fields = {0, 0, 0};
  if (parts.size() > fields.size()) refuse("Invalid time value: " + python_repr(text));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = python_int(parts[i], 10);
    if (!number || std::abs(*number) > 1e6) refuse("Invalid time value: " + python_repr(text));
    fields[i] = static_cast<int>(*number);
  }
  const std::time_t seconds = static_cast<std::time_t>(now.seconds);
  std::tm local = {};
  localtime_r(&seconds, &local);
  local.tm_hour = fields[0];
  local.tm_min = fields[1];
  local.tm_sec = fields[2];
  return static_cast<double>(std::mktime(&local));
}

std::uint16_t port_of(double number) {
  if (!(number >= 1 && number <= 0xffff)) refuse("Invalid port: " + std::to_string(std::llround(number)));
  return static_cast<std::uint16_t>(number);
}

std::string without_brackets(const std::string& host) {
  const bool has_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return has_brackets ? host.substr(1, host.size() - 2) : host;
}

// "host:port[:name]" or, other than the original, "[IPv6]:port[:name]".
Server parse_tcp(const std::string& text) {
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : std::string::npos;
  const std::size_t host_end = bracket == std::string::npos ? 0 : bracket + 1;
  std::vector<std::string> parts = base::split(text.substr(host_end), ':');
  parts[0] = text.substr(0, host_end) + parts[0];
  if (parts.size() != 2 && parts.size() != 3) refuse("Invalid server specification: " + python_repr(text));
  const auto number = python_int(parts[1], 10);
  if (!number || *number < 1 || *number > 0xffff)
    refuse("Invalid port in server specification: " + python_repr(text));
  // The original connects to this machine if the host is empty.
  const std::string host = parts[0].empty() ? "localhost" : without_brackets(parts[0]);
  return {Address::tcp(host, static_cast<std::uint16_t>(*number)),
          parts.size() == 3 ? parts[2] : kDefaultStorage};
}

Server parse_unix(const std::string& text) {
  const std::vector<std::string> parts = base::split(text, ':');
  if (parts.size() > 2 || parts[0].empty()) refuse("Invalid server specification: " + python_repr(text));
  return {Address::unix_socket(parts[0]), parts.size() == 2 ? parts[1] : kDefaultStorage};
}

std::vector<Server> servers_of(const Raw& raw, const std::function<std::string()>& host_name) {
  std::vector<Server> servers;
  if (!raw.host.empty()) {
    if (raw.port == 0) refuse("If host (-h) is specified then a port (-p) must be specified as well.");
    servers.push_back({Address::tcp(without_brackets(raw.host), port_of(raw.port)), raw.name});
  } else if (raw.port != 0) {
    servers.push_back({Address::tcp(host_name(), port_of(raw.port)), raw.name});
  }
  if (!raw.unix.empty()) servers.push_back({Address::unix_socket(raw.unix), raw.name});
  for (const std::string& word : raw.words) servers.push_back(parse_tcp(word));
  for (const std::string& word : raw.unix_sockets) servers.push_back(parse_unix(word));
  if (servers.empty() && !raw.result.all) refuse("No servers specified.");
  return servers;
}

}  // namespace

std::variant<CommandLine, Refusal> read_command_line(const std::vector<std::string>& words, base::UtcTime now,
                                                     const std::function<std::string()>& host_name) {
  Raw raw;
  try {
    raw = Parser(words).parse();
  } catch (const Error& error) {
    return Refusal{usage_text() + "\nzeopack: error: " + error.reason() + "\n", 2};
  }
  if (raw.result.wish != CommandLine::Wish::pack) return raw.result;
  try {
    raw.result.time = time_of_day(raw.time, now) - raw.days * kSecondsPerDay;
    raw.result.servers = servers_of(raw, host_name);
  } catch (const Error& error) {
    return Refusal{"Error:\n" + error.reason() + "\n", 1};
  }
  return raw.result;
}

}  // namespace zeo
