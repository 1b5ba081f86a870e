// The version of the package, for programs that read their options themselves.
#pragma once

#include <string>

namespace cli {

std::string version();

}  // namespace cli
