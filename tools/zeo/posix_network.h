// The real network: TCP and Unix sockets.
#pragma once

#include <memory>

#include "zeo/network.h"

namespace zeo {

// A peer that vanishes without a word (its machine lost power) is noticed after about two minutes.
std::unique_ptr<Network> make_posix_network();

}  // namespace zeo
