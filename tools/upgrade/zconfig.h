// As much of ZConfig (the format of zeo.conf and schooltool.conf) as is needed to find a database: sections,
// keys, %define, $name and ${name}, %include, comments. %import is accepted and does nothing. Without a
// schema, any section type and key goes.
//
//   %define DATA /var/lib/schooltool
//   <filestorage 1>
//     path $DATA/Data.fs
//   </filestorage>
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/env.h"

namespace upgrade {

struct ZSection {
  std::string type;  // lower case: "filestorage"; "" for the top
  std::string name;  // lower case, may be empty
  std::vector<std::pair<std::string, std::string>>
      keys;  // keys in lower case; values substituted, may be empty
  std::vector<ZSection> sections;

  // The first value of a key (given in lower case); empty if it is absent.
  std::string value(std::string_view key) const;
  // All sections of this type below this one, at any depth, in the order of the text.
  std::vector<const ZSection*> all(std::string_view section_type) const;
};

// Reads `name` in `dir` (absolute), following %include (relative to the including file; regular files without
// links, at most 10 deep). Throws Error(corrupt) with the file as path and the line in the reason for what
// ZConfig would refuse as well and for what is larger than any honest configuration (1 MB a file, 100 files,
// 100 sections deep, 16 MB after substitution); unsupported for $(NAME), a variable of the server's
// environment, and includes by URL; unsafe_path or not_found for a bad include.
ZSection read_zconfig(io::Env& env, const std::string& dir, const std::string& name);

}  // namespace upgrade
