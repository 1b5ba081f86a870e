// The dpkg that runs us: found among the processes above, with what it was told to do.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/env.h"
#include "upgrade/journal.h"

namespace upgrade {

// Environment variables that hooks get.
using Environment = std::map<std::string, std::string>;
// DPKG_ROOT names another root than "/".
bool is_foreign_root(const Environment& environment);
// Whether options for dpkg (--root, --instdir, --admindir) name another system.
bool names_foreign_root(const std::vector<std::string>& dpkg_options);

// A command line of dpkg, as far as it matters before packages are unpacked.
struct DpkgCommand {
  bool understood = false;            // a known form
  bool unpacks = false;               // --install or --unpack, not simulated
  bool simulated = false;             // --simulate or one of its other names
  bool recursive = false;             // `archives` are folders
  std::vector<std::string> archives;  // as given
};
// `arguments` without the program's name.
DpkgCommand parse_dpkg_command(const std::vector<std::string>& arguments);

struct DpkgRun {
  bool found = false;                   // a dpkg stands above us
  bool understood = false;              // its packages are known
  bool under_apt = false;               // it was started by apt or another program of apt's library
  std::vector<PackageChange> unpacked;  // old_version empty
};

// Walks up the process tree through /proc to the nearest dpkg and reads its arguments; the control file of
// each .deb it was given (also of folders, with --recursive) is asked for name and version, so that a renamed
// file is recognised. Never throws for what it finds there: a process that is gone or a .deb that cannot be
// read only makes the answer "not found" or "not understood".
DpkgRun find_dpkg(io::Env& env);

// Whether the nearest dpkg above us only tells what it would do. It runs hooks all the same, also while
// another dpkg is in the middle of a package's scripts.
bool is_simulated(io::Env& env);

}  // namespace upgrade
