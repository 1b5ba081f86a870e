// Whom zeopack asks to pack: servers of the command line, or the instances of this machine.
#pragma once

#include <string>
#include <vector>

#include "app/context.h"
#include "zeo/address.h"

namespace app {

struct PackTarget {
  zeo::Server server;
  std::string instance;  // empty for a server of the command line
};

struct PackTargets {
  std::vector<PackTarget> found;
  std::vector<std::string> problems;  // one line for each instance that cannot be packed through a server
};

// The server of an instance, with the name that its storage has there, from its zeo.conf. Error(unsupported)
// if it has none, as before SchoolTool 2.6; Error(usage) for an address that cannot be understood.
zeo::Server server_of(io::Env& env, const upgrade::Instance& instance);

// Every enabled instance of `context`. What make_context has told already is not told again.
PackTargets instance_targets(Context& context);

}  // namespace app
