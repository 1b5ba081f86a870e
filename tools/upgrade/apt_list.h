// The list that apt writes to its DPkg::Pre-Install-Pkgs hooks before it changes anything, in version 3 of
// the protocol:
//
//   VERSION 3
//   Dir=/                          the whole configuration, one item a line, special bytes as %XX
//   DPkg::Options::=--force-confold
//                                  an empty line
//   schooltool 1.0 all none < 2.0 all none /var/cache/apt/archives/schooltool_2.0_all.deb
//   schooltool 1.0 all none < 2.0 all none **CONFIGURE**
//
// Fields of a package: name, then version, architecture and multi-arch type of what is installed ("- - none"
// for nothing), the comparison of both versions, the same three of what will be, and the .deb (its path may
// hold spaces), **CONFIGURE** or **REMOVE**.
#pragma once

#include <string>
#include <vector>

#include "upgrade/journal.h"

namespace upgrade {

struct AptList {
  bool understood = false;    // version 3, and every line of the expected form
  bool foreign_root = false;  // apt works on another system's files (RootDir, Dir or options for dpkg)
  std::vector<PackageChange>
      unpacked;  // installed, upgraded, downgraded or reinstalled, each name once; not what is
                 // removed or only configured. Also filled, as far as it goes, if not understood
};

// `text` is all that apt wrote. More than 16 MB is not understood.
AptList parse_apt_list(const std::string& text);

}  // namespace upgrade
