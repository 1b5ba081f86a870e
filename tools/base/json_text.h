// JSON as text: the one place that knows how this suite writes it. Compiling nlohmann's parser and printer
// costs seconds, so they are compiled here and nowhere else: tests/unit/base/layers_test.cc sees to that.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace base {

// For reports and state files: indented by two spaces, without a line end. Keys are sorted, so equal values
// give equal text: sums over it are kept on disk. Bytes that are not UTF-8, as file names may have, become
// U+FFFD: a report is never refused for a name.
std::string json_text(const nlohmann::json& value);
// The same on one line.
std::string json_line(const nlohmann::json& value);

// nlohmann::json::exception if the text is not exactly one JSON value. Nesting is bounded by the text's
// length only: callers read files of bounded size.
nlohmann::json parse_json(std::string_view text);

}  // namespace base
