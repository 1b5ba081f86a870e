// The .dat file beside a full backup: one line for each backup of its chain, the full one first.
//
//   repo/2013-02-07-03-15-00.fs 0 58073 d6ccf4285bdcc5b21fd2c39e82df7db6
//
// path, start, end, and the md5 sum of the data before compression; parted by white space. Of the path only
// the last component counts, so a repository may be moved.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "repozo/names.h"

namespace repozo {

struct DatLine {
  std::string path;
  BackupName name;  // the path's last component
  std::uint64_t start = 0, end = 0;
  std::string md5;
};

// More than any chain needs: 100,000 backups.
inline constexpr std::size_t kLargestDat = 16 << 20;

// Takes any bytes. corrupt, naming the line, if one has not four words, a last component that is not the name
// of a backup, numbers that are none or in the wrong order, a sum that is not 32 hex digits, or no line feed;
// or if the lines are not in the order of the backups.
std::vector<DatLine> parse_dat(std::string_view text, const std::string& path);
// With its newline.
std::string dat_line(const DatLine& line);
std::string dat_text(const std::vector<DatLine>& lines);

}  // namespace repozo
