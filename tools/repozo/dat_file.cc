#include "repozo/dat_file.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.h"

namespace repozo {

namespace {

constexpr std::size_t kMd5Digits = 32;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kWhiteSpace = " \t\r\v\f";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (words.size() <= 4) {
    const std::size_t begin = line.find_first_not_of(kWhiteSpace);
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    const std::size_t length = std::min(line.find_first_of(kWhiteSpace), line.size());
    words.push_back(line.substr(0, length));
    line.remove_prefix(length);
  }
  return words;
}

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end || digits.empty()) return std::nullopt;
  return value;
}

bool is_md5(std::string_view text) {
  return text.size() == kMd5Digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

class Parser {
 public:
  explicit Parser(const std::string& path) : path_(path) {}

  DatLine parse(std::string_view text) {
    ++count_;
    const std::vector<std::string_view> words = words_of(text);
    if (words.size() != 4) {
      fail("does not have four words: path, start, end, sum");
    }
    DatLine line;
    line.path = words[0];
    if (words[0].starts_with(kByteOrderMark)) fail("begins with a byte order mark");
    const auto name = parse_name(words[0].substr(words[0].rfind('/') + 1));
    if (!name) fail("does not name a backup file");
    line.name = *name;
    const auto start = number(words[1]), end = number(words[2]);
    if (!start || !end) fail("has a place that is not a number");
    if (*end < *start) fail("ends before it starts");
    line.start = *start;
    line.end = *end;
    if (!is_md5(words[3])) fail("has a sum that is not 32 hex digits");
    line.md5 = words[3];
    return line;
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw base::Error(base::ErrorKind::corrupt, "read", path_,
                      "line " + std::to_string(count_) + " " + reason);
  }

 private:
  const std::string& path_;
  unsigned count_ = 0;
};

}  // namespace

std::vector<DatLine> parse_dat(std::string_view text, const std::string& path) {
  std::vector<DatLine> lines;
  Parser parser(path);
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    DatLine line = parser.parse(text.substr(0, length));
    if (length == text.size()) parser.fail("is cut short: it has no line feed");
    if (!lines.empty() && !comes_before(lines.back().name, line.name)) parser.fail("is not in order");
    lines.push_back(std::move(line));
    text.remove_prefix(length + 1);
  }
  return lines;
}

std::string dat_line(const DatLine& line) {
  return line.path + " " + std::to_string(line.start) + " " + std::to_string(line.end) + " " + line.md5 +
         "\n";
}

std::string dat_text(const std::vector<DatLine>& lines) {
  std::string text;
  for (const DatLine& line : lines) text += dat_line(line);
  return text;
}

}  // namespace repozo
