#include "upgrade/apt_list.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include "upgrade/dpkg_process.h"

namespace upgrade {

namespace {

constexpr std::size_t kLargestList = 16'000'000;

// Takes lines off the front; the last one may lack its newline.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    const std::size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return line;
  }

 private:
  std::string_view rest_;
};

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      result += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string lower(std::string text) {
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

// "" for "/": so that folders compare whatever slashes stand at their ends.
std::string without_end_slashes(std::string path) {
  while (!path.empty() && path.back() == '/') path.pop_back();
  return path;
}

// The items of the configuration that say which system apt works on. Keys are compared without case, as apt
// does.
class RootOptions {
 public:
  void take(std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return;
    const std::string key = lower(unescaped(line.substr(0, equals)));
    const std::string value = unescaped(line.substr(equals + 1));
    if (key == "dpkg::options::") {
      dpkg_options_.push_back(value);
    } else if (key == "rootdir" || key == "dir" || key == "dir::state::status" ||
               key == "dpkg::chroot-directory") {
      values_[key] = value;
    }
  }

  // With DPkg::Chroot-Directory apt runs its hooks, us included, inside that folder: then it is "this
  // system", and the paths below it are ours.
  bool foreign() const {
    const std::string here = without_end_slashes(value("dpkg::chroot-directory"));
    const std::string root = without_end_slashes(value("rootdir"));
    const std::string folder = root + without_end_slashes(value("dir"));
    if (folder != here) return true;
    const std::string status = value("dir::state::status");
    if (!status.empty() && status != "/var/lib/dpkg/status" && status != folder + "/var/lib/dpkg/status")
      return true;
    return names_foreign_root(dpkg_options_);
  }

 private:
  std::string value(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? std::string() : found->second;
  }
  std::map<std::string, std::string> values_;
  std::vector<std::string> dpkg_options_;
};

struct PackageLine {
  PackageChange change;
  bool unpacks = false;
};

// Empty if the line has another form.
std::optional<PackageLine> parse_package(std::string_view line) {
  std::array<std::string_view, 8> field;
  for (std::string_view& one : field) {
    const std::size_t space = line.find(' ');
    if (space == 0 || space == std::string_view::npos) return std::nullopt;
    one = line.substr(0, space);
    line.remove_prefix(space + 1);
  }
  const std::string_view comparison = field[4], action = line;
  if (comparison != "<" && comparison != "=" && comparison != ">") return std::nullopt;

  const auto version = [](std::string_view text) { return text == "-" ? std::string() : std::string(text); };
  PackageLine result;
  result.change = {std::string(field[0]), version(field[1]), version(field[5])};
  if (action == "**CONFIGURE**" || action == "**REMOVE**") return result;
  // **ERROR** stands where apt has no absolute path: it is installed all the same.
  if (action.substr(0, 1) != "/" && action != "**ERROR**") return std::nullopt;
  result.unpacks = true;
  return result;
}

}  // namespace

AptList parse_apt_list(const std::string& text) {
  AptList list;
  if (text.size() > kLargestList) return list;
  Lines lines(text);
  if (lines.next() != std::optional<std::string_view>("VERSION 3")) return list;

  RootOptions options;
  auto line = lines.next();
  for (; line && !line->empty(); line = lines.next()) options.take(*line);
  list.foreign_root = options.foreign();
  list.understood = line.has_value();  // else cut off within the configuration
  while ((line = lines.next())) {
    const auto package = parse_package(*line);
    if (!package) {
      list.understood = false;
      continue;
    }
    const bool known =
        std::any_of(list.unpacked.begin(), list.unpacked.end(),
                    [&](const PackageChange& change) { return change.name == package->change.name; });
    if (package->unpacks && !known) list.unpacked.push_back(package->change);
  }
  return list;
}

}  // namespace upgrade
