// Stopping and starting the server of a database, through systemd where it runs and the init script
// elsewhere.
#pragma once

#include <string>
#include <vector>

#include "io/env.h"
#include "upgrade/data_folder.h"

namespace upgrade {

class Service {
 public:
  // `name` as the unit or init script is called; Error(usage) if it is not a plain word.
  Service(io::Env& env, std::string name);

  // Returns when nobody holds the database's lock any more. Error(busy), with the hint how to stop it by
  // hand, if somebody still does after `timeout_s` seconds. Does nothing if nobody held it.
  void stop(DataFolder& folder, unsigned timeout_s);
  // Asks for the start and does not wait for the server to be ready. False if the request was refused.
  bool start();
  // Whether stop() had to stop something.
  bool was_stopped() const { return stopped_; }

 private:
  // False if it failed or could not be started.
  bool run(const std::vector<std::string>& argv);
  bool systemd_runs() const;
  bool run_init_script(const std::string& action);
  bool wait_until_free(DataFolder& folder, unsigned seconds);

  io::Env& env_;
  std::string name_;
  bool stopped_ = false;
  bool by_init_script_ = false;
};

}  // namespace upgrade
