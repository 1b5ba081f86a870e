// Tables for people. JSON for programs is nlohmann::json, printed by the tools with dump(2).
#pragma once

#include <string>
#include <vector>

namespace cli {

// Columns padded with two spaces between, no trailing spaces, a newline after each row. The first row is the
// heading. Cells are made safe for a terminal: control characters and invalid UTF-8 show as \n or \xhh.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace cli
