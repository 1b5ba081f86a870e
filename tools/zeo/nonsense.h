// How a server's nonsense is told: an Error(protocol) of which only the reason is known here. The client adds
// what was asked, and of whom.
#pragma once

#include <string>

#include "base/error.h"

namespace zeo {

[[noreturn]] inline void nonsense(std::string reason) {
  throw base::Error(base::ErrorKind::protocol, "", "", std::move(reason));
}

}  // namespace zeo
