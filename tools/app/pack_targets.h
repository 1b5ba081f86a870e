// Whom zeopack asks to pack: servers of the command line, or the instances of this machine.
#pragma once

#include <string>
#include <vector>

#include "app/context.h"
#include "zeo/address.h"
#include "zeo/client.h"

namespace app {

struct PackTarget {
  zeo::Server server;
  std::string instance = {};   // empty for a server of the command line,
  std::string data_path = {};  // and so its database
};

struct PackTargets {
  std::vector<PackTarget> found;
  std::vector<std::string> problems;  // one line for each instance that cannot be packed through a server
};

// The server of an instance, with the name that its database has there. Error(unsupported) if its
// configuration tells none, as before SchoolTool 2.6; Error(usage) for an address that cannot be understood.
zeo::Server server_of(const upgrade::Instance& instance);

// Before a pack: Error(unsupported) if what the server says of the storage it opened shows that this is
// another file than `data_path`. A server may tell nothing that can be looked at; that is no error.
void refuse_other_database(io::Env& env, const std::string& data_path, const zeo::StorageInfo& info);

// Every enabled instance of `context`. What make_context has told already is not told again.
PackTargets instance_targets(const Context& context);

}  // namespace app
