#include "upgrade/zconfig.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "io/atomic_file.h"

namespace upgrade {
namespace {

constexpr std::size_t kMaxFileSize = 1000 * 1000;
constexpr std::size_t kMaxFiles = 100;
constexpr std::size_t kMaxIncludes = 10;
constexpr std::size_t kMaxSections = 100;
constexpr std::size_t kMaxText = 16 * 1000 * 1000;
constexpr std::string_view kSpace = " \t\r\n\v\f";

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string_view strip(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// A word of neither white space nor parentheses, and what follows it without white space at both ends.
std::pair<std::string_view, std::string_view> split_word(std::string_view text) {
  const std::size_t end = std::min(text.find_first_of(" \t\r\n\v\f()"), text.size());
  return {text.substr(0, end), strip(text.substr(end))};
}

// Length of the identifier [A-Za-z_][A-Za-z0-9_]* that `text` begins with.
std::size_t identifier(std::string_view text) {
  const auto ok = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return 0;
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), ok) - text.begin());
}

// What all files of one configuration share.
struct Shared {
  io::Env& env;
  std::map<std::string, std::string> defines;
  std::size_t files = 0;
  std::size_t text = 0;  // bytes of substituted values
};

class Reader {
 public:
  Reader(Shared& shared, std::string dir, const std::string& name, std::size_t depth)
      : shared_(shared), dir_(std::move(dir)), path_(dir_ + "/" + name), depth_(depth) {
    const auto folder = shared_.env.open_dir(dir_, io::Links::administrator);
    content_ = io::read_small_file(*folder, name, kMaxFileSize);
  }

  // The sections that are open in `stack` stay open; those opened here are closed here.
  void read_into(std::vector<ZSection>& stack) {
    for (const std::string& raw : base::split(content_, '\n')) {
      ++line_;
      const std::string_view line = strip(raw);
      if (line.empty() || line.front() == '#') continue;
      if (line.front() == '<')
        section_tag(line, stack);
      else if (line.front() == '%')
        directive(line.substr(1), stack);
      else
        key_value(line, stack.back());
    }
    if (opened_.empty()) return;
    line_ = opened_.back();
    refuse("unclosed section " + base::quoted(stack.back().type));
  }

 private:
  [[noreturn]] void refuse(const std::string& reason, base::ErrorKind kind = base::ErrorKind::corrupt) const {
    throw base::Error(kind, "read configuration", path_, "line " + std::to_string(line_) + ": " + reason);
  }

  void section_tag(std::string_view line, std::vector<ZSection>& stack) {
    if (line.back() != '>') refuse("a section tag without '>'");
    line = line.substr(1, line.size() - 2);
    if (line.starts_with('/')) return end_section(lower(strip(line.substr(1))), stack);
    const bool is_empty = line.ends_with('/');
    if (is_empty) line.remove_suffix(1);
    const auto [type, rest] = split_word(line);
    const auto [name, too_much] = split_word(rest);
    if (type.empty() || !too_much.empty() || (name.empty() && !rest.empty())) refuse("malformed section tag");
    if (stack.size() > kMaxSections) refuse("sections are nested too deeply");
    count(type.size() + name.size() + sizeof(ZSection));
    stack.push_back({lower(type), lower(name), {}, {}});
    opened_.push_back(line_);
    if (is_empty) close_section(stack);
  }

  void end_section(const std::string& type, std::vector<ZSection>& stack) {
    if (opened_.empty()) refuse("section end without a section");
    if (stack.back().type != type)
      refuse("section " + base::quoted(stack.back().type) + " is ended as " + base::quoted(type));
    close_section(stack);
  }

  void close_section(std::vector<ZSection>& stack) {
    opened_.pop_back();
    ZSection done = std::move(stack.back());
    stack.pop_back();
    stack.back().sections.push_back(std::move(done));
  }

  void key_value(std::string_view line, ZSection& section) {
    const auto [key, value] = split_word(line);
    if (key.empty()) refuse("malformed line");
    section.keys.emplace_back(lower(key), substitute(value));
    count(section.keys.back().first.size() + 2 * sizeof(std::string));
  }

  void directive(std::string_view line, std::vector<ZSection>& stack) {
    const auto [name, argument] = split_word(line);
    if (name != "define" && name != "import" && name != "include")
      refuse("unknown directive " + base::quoted("%" + std::string(name)));
    if (argument.empty()) refuse("%" + std::string(name) + " needs an argument");
    if (name == "define") define(argument);
    if (name == "include") include(substitute(argument), stack);
  }

  void define(std::string_view argument) {
    const std::size_t end = std::min(argument.find_first_of(kSpace), argument.size());
    const std::string name = lower(argument.substr(0, end));
    const std::string_view value = strip(argument.substr(end));
    if (identifier(name) != name.size()) refuse("not a name to define: " + base::quoted(name));
    const auto known = shared_.defines.find(name);
    if (known != shared_.defines.end() && known->second != value)
      refuse("cannot redefine " + base::quoted(name));
    shared_.defines[name] = substitute(value);
  }

  // Relative to the folder of this file; dots are resolved by the words of the path, as for a URL.
  void include(const std::string& target, std::vector<ZSection>& stack) {
    if (target.find("://") != std::string::npos)
      refuse("cannot include by URL: " + base::quoted(target), base::ErrorKind::unsupported);
    if (depth_ + 1 > kMaxIncludes) refuse("includes are nested too deeply");
    if (++shared_.files > kMaxFiles) refuse("too many includes");
    std::vector<std::string> parts;
    for (const std::string& part : base::split(target.starts_with('/') ? target : dir_ + "/" + target, '/')) {
      if (part == ".." && !parts.empty()) parts.pop_back();
      if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    }
    if (parts.empty() || target.ends_with('/')) refuse("not a file to include: " + base::quoted(target));
    const std::string name = parts.back();
    parts.pop_back();
    std::string dir;
    for (const std::string& part : parts) dir += "/" + part;
    Reader(shared_, dir.empty() ? "/" : dir, name, depth_ + 1).read_into(stack);
  }

  std::string substitute(std::string_view text) {
    std::string result;
    while (!text.empty()) {
      const std::size_t dollar = std::min(text.find('$'), text.size());
      result += text.substr(0, dollar);
      text.remove_prefix(dollar);
      if (!text.empty()) result += reference(text);
      if (result.size() > kMaxText) refuse("a value is too long");
    }
    count(result.size());
    return result;
  }

  // Takes $$, $name or ${name} off the front of `text`; returns what it stands for.
  std::string reference(std::string_view& text) {
    text.remove_prefix(1);
    if (text.starts_with('$')) {
      text.remove_prefix(1);
      return "$";
    }
    if (text.starts_with('('))
      refuse("the server's environment is not known here: $(...)", base::ErrorKind::unsupported);
    const bool braces = text.starts_with('{');
    if (braces) text.remove_prefix(1);
    const std::string name(text.substr(0, identifier(text)));
    text.remove_prefix(name.size());
    if (name.empty() || (braces && !text.starts_with('}'))) refuse("'$' without a name behind it");
    if (braces) text.remove_prefix(1);
    const auto defined = shared_.defines.find(lower(name));
    if (defined == shared_.defines.end()) refuse(base::quoted("$" + name) + " is not defined");
    return defined->second;
  }

  void count(std::size_t size) {
    shared_.text += size;
    if (shared_.text > kMaxText) refuse("the configuration is too large after substitution");
  }

  Shared& shared_;
  std::string dir_, path_, content_;
  std::size_t depth_;
  unsigned line_ = 0;
  std::vector<unsigned> opened_;  // lines of the sections of this file that are open
};

void collect(const ZSection& section, std::string_view type, std::vector<const ZSection*>& found) {
  for (const ZSection& inner : section.sections) {
    if (inner.type == type) found.push_back(&inner);
    collect(inner, type, found);
  }
}

}  // namespace

std::string ZSection::value(std::string_view key) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& pair) { return pair.first == key; });
  return found == keys.end() ? "" : found->second;
}

std::vector<const ZSection*> ZSection::all(std::string_view section_type) const {
  std::vector<const ZSection*> found;
  collect(*this, section_type, found);
  return found;
}

ZSection read_zconfig(io::Env& env, const std::string& dir, const std::string& name) {
  Shared shared{env, {}, 0, 0};
  std::vector<ZSection> stack(1);
  Reader(shared, dir, name, 0).read_into(stack);
  return std::move(stack.front());
}

}  // namespace upgrade
