// Text for people: quoting of untrusted names, sizes, durations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace base {

// 'name' in single quotes, with control characters, quotes, backslashes and bytes that are not
// valid UTF-8 escaped as \n, \', \\ or \xhh: a hostile file name cannot forge a line of our output.
std::string quoted(std::string_view name);

// "0 bytes", "1 byte", "12.3 MB", "498.1 MB" (decimal units, one digit after the point).
std::string human_size(std::uint64_t bytes);

// "35 s", "12 min", "3 h", "5 days": the largest unit that is at least 1 (2 for days).
std::string human_duration(std::int64_t seconds);

// Pieces between separators; empty pieces are kept.
std::vector<std::string> split(std::string_view text, char separator);
// Without white space (space, tab, CR, LF) at both ends.
std::string_view trimmed(std::string_view text);

}  // namespace base
