#include "repozo/names.h"

#include <algorithm>
#include <array>

namespace repozo {

namespace {

constexpr std::string_view kPattern = "dddd-dd-dd-dd-dd-dd";  // d: a digit

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Extension {
  std::string_view text;
  Kind kind;
  bool gzip;
};
constexpr std::array<Extension, 4> kExtensions = {{{".fs", Kind::full, false},
                                                   {".fsz", Kind::full, true},
                                                   {".deltafs", Kind::increment, false},
                                                   {".deltafsz", Kind::increment, true}}};

}  // namespace

bool is_stamp(std::string_view text) {
  return std::equal(text.begin(), text.end(), kPattern.begin(), kPattern.end(),
                    [](char c, char wanted) { return wanted == 'd' ? is_digit(c) : c == wanted; });
}

std::string BackupName::file() const {
  const auto* found = std::find_if(kExtensions.begin(), kExtensions.end(), [&](const Extension& extension) {
    return extension.kind == kind && extension.gzip == gzip;
  });
  return stamp + std::string(found->text);
}

std::optional<BackupName> parse_name(std::string_view name) {
  const std::string_view stamp = name.substr(0, kPattern.size());
  if (!is_stamp(stamp)) return std::nullopt;
  for (const Extension& extension : kExtensions) {
    if (name.substr(kPattern.size()) == extension.text) {
      return BackupName{std::string(stamp), extension.kind, extension.gzip};
    }
  }
  return std::nullopt;
}

std::string stamp_of(base::UtcTime time) {
  std::string text = base::to_iso({time.seconds, 0});  // 2013-02-07T03:15:00Z
  text.pop_back();
  for (char& c : text) {
    if (c == 'T' || c == ':') c = '-';
  }
  return text;
}

std::optional<base::UtcTime> time_of(std::string_view stamp) {
  if (!is_stamp(stamp)) return std::nullopt;
  std::string text(stamp);
  text[10] = 'T';
  text[13] = text[16] = ':';
  const auto time = base::from_iso(text + "Z");
  if (!time || stamp_of(*time) != stamp) return std::nullopt;
  return time;
}

std::optional<std::string> stamp_after(std::string_view stamp) {
  if (const auto time = time_of(stamp)) {
    std::string later = stamp_of({time->seconds + 1, 0});
    if (is_stamp(later)) return later;
    return std::nullopt;  // past the year 9999
  }
  std::string next(stamp);
  for (std::size_t at = next.size(); at-- > 0;) {
    if (!is_digit(next[at])) continue;
    if (next[at] != '9') {
      ++next[at];
      return next;
    }
    next[at] = '0';
  }
  return std::nullopt;
}

std::string index_name(std::string_view stamp) {
  return std::string(stamp) + ".index";
}
std::string sums_name(std::string_view stamp) {
  return std::string(stamp) + ".sums";
}
std::string sums_new_name(std::string_view stamp) {
  return std::string(stamp) + ".sums-new";
}
std::string dat_name(std::string_view stamp) {
  return std::string(stamp) + ".dat";
}
std::string dat_before_name(std::string_view stamp) {
  return std::string(stamp) + ".dat-before";
}

bool comes_before(const BackupName& one, const BackupName& other) {
  if (one.stamp != other.stamp) return one.stamp < other.stamp;
  if (one.kind != other.kind) return one.kind == Kind::full;
  return !one.gzip && other.gzip;
}

}  // namespace repozo
