// The SchoolTool instances of this machine, read from their own configuration.
#pragma once

#include <string>
#include <vector>

#include "base/setting.h"
#include "io/env.h"
#include "upgrade/settings.h"

namespace upgrade {

struct Instance {
  std::string name;       // folder below /etc/schooltool: "standard"
  std::string data_dir;   // absolute: "/var/lib/schooltool"
  std::string data_name;  // "Data.fs", "another-Data.fs"
  std::string blob_dir;   // absolute; empty if there is none
  std::string server;  // address of the ZEO server: "/var/run/schooltool/zeo.sock" or "localhost:7081"; empty
                       // before SchoolTool 2.6
  std::string storage;  // the name of the database's section there; empty without one
  std::string config;   // the file the database was found in; of the settings, if `data` is set there
  Settings settings;
  std::string data_path() const { return data_dir + "/" + data_name; }
};

struct Instances {
  std::vector<Instance> found;  // sorted by name; those with enabled = no as well
  std::vector<std::string>
      problems;  // one line for each instance whose configuration could not be understood
};

// Every folder of `config_root` ("/etc/schooltool"; it may be absent) that holds a zeo.conf or
// schooltool.conf with a <filestorage>, and every [instance NAME] section that sets `data`. A zeo.conf with a
// <filestorage> wins over schooltool.conf; `data` and `blobs` win over both, and `data` says which of several
// <filestorage> is meant. A folder whose only storage is a server elsewhere has no database here and is left
// out. An instance that cannot be understood is a problem,
// never an exception, so that one bad file does not leave the others unguarded; so is a second instance with
// the same database. Throws Error(usage) only for mistakes in the settings that concern all instances: an
// unknown section, or a key before any section that is not understood.
Instances find_instances(io::Env& env, const std::string& config_root,
                         const std::vector<base::Setting>& configured);

}  // namespace upgrade
