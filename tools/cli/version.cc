#include "cli/version.h"

namespace cli {

std::string version() {
  return DBTOOLS_VERSION;
}

}  // namespace cli
