#include "cli/report.h"

#include <algorithm>

#include "base/text.h"

namespace cli {
namespace {

// As base::quoted shows it, but without the quotes, and with a quote left as it is.
std::string safe(const std::string& cell) {
  const std::string quoted = base::quoted(cell);
  std::string text;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && quoted[i + 1] == '\'') continue;
    text += quoted[i];
    if (quoted[i] == '\\') text += quoted[++i];
  }
  return text;
}

// Characters, not bytes: a cell is valid UTF-8 once it is safe.
std::size_t width(const std::string& cell) {
  return static_cast<std::size_t>(std::count_if(
      cell.begin(), cell.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> cells = rows;
  std::vector<std::size_t> widths;
  for (std::vector<std::string>& row : cells) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t column = 0; column < row.size(); ++column) {
      row[column] = safe(row[column]);
      widths[column] = std::max(widths[column], width(row[column]));
    }
  }
  std::string out;
  for (const std::vector<std::string>& row : cells) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column)
      line += row[column] + std::string(widths[column] - width(row[column]) + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace cli
