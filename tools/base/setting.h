// One "key = value" line of a configuration file, with where it stood, for messages.
#pragma once

#include <string>

namespace base {

struct Setting {
  std::string section;  // "" before the first one; "instance NAME"
  std::string key;
  std::string value;
  std::string file;
  unsigned line = 0;
};

}  // namespace base
