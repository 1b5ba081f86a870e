// The INI configuration file, read by Boost.Program_options' parser.
#pragma once

#include <string>
#include <vector>

#include "base/setting.h"

namespace cli {

// Every key of `text` in order. `file` is for messages. '#' starts a comment anywhere in a line; white space
// around sections, keys and values does not count; a section may be continued further down. Throws
// Error(usage) naming file and line for a line that is neither a section, a comment nor "key = value", an
// empty key or section name, or a key given twice in one section.
std::vector<base::Setting> parse_ini(const std::string& text, const std::string& file);

}  // namespace cli
