// Looking after an upgrade: judge the live database by what stood there before, act on the verdict, and close
// the upgrade once it has stayed good for a while. Every caller (hooks, trigger, service start, cron, a
// person) runs the same step; it is idempotent and does nothing without an open upgrade.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/copy.h"
#include "io/env.h"
#include "upgrade/instances.h"
#include "upgrade/journal.h"
#include "upgrade/lineage.h"

namespace upgrade {

// Who asks. It decides whether the packages must have been configured first.
enum class Caller {
  person,         // judges whatever is there; acts only with `repair`
  service_start,  // acts at once: the server is about to open the database
  dpkg_done,      // dpkg's post-invoke: everything of this run is over; half-configured counts as over
  trigger,        // in the middle of a dpkg run: only fully installed packages count
  cron            // any time: waits while dpkg runs
};

struct CheckRequest {
  Caller caller = Caller::person;
  bool repair = false;  // a person's wish to act on missing, blank, truncated
  bool accept = false;  // a person's word that the live database is right: closes the upgrade
  std::function<io::OnProgress(std::uint64_t total)> progress;
};

enum class CheckAction {
  none,     // judged only
  waiting,  // good so far, the upgrade stays open; or the packages are not configured yet
  closed,   // the upgrade is over
  rolled_back,
  for_a_person  // the database is in doubt, and nothing may be done without a decision
};
const char* to_string(CheckAction action);

struct CheckReport {
  bool looked = false;  // false: nothing to do, the database was not read
  Verdict verdict = Verdict::sound;
  std::string reason;
  CheckAction action = CheckAction::none;
  // For the administrator, each a full line; empty if all is well and nothing was done.
  std::vector<std::string> messages;
  Judgement judgement;
  std::optional<std::string> displaced_to;  // full path, after a rollback
  std::optional<std::string> source;        // full path of the copy that was put back, or that stands ready
};

// Errors as of rollback.h; the upgrade stays open then, and the next call tries again. After a rollback, a
// journal that cannot be written is one of the messages.
CheckReport check(io::Env& env, const Instance& instance, const CheckRequest& request);
// The same under a lock that is held already, for a journal that has an open upgrade.
CheckReport check_open_upgrade(io::Env& env, const Instance& instance, const CheckRequest& request,
                               io::Dir& state, Journal& journal);

}  // namespace upgrade
