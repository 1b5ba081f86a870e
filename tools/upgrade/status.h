// Everything an administrator asks first: the database, its copies, the open upgrade, the last verdict.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/utc_time.h"
#include "io/env.h"
#include "upgrade/instances.h"
#include "upgrade/journal.h"

namespace upgrade {

struct StoredCopy {
  std::string name;
  std::uint64_t size = 0;  // bytes of the file
  base::UtcTime modified;
  std::string note;  // "", "displaced", or why it is passed over ("a link")
};

struct Status {
  const Instance* instance = nullptr;
  bool present = false;
  bool unreadable = false;  // something stands there, and `problem` says why it was not read
  bool server_running = false;
  std::uint64_t size = 0;
  std::uint64_t objects = 0, transactions = 0;
  std::optional<base::UtcTime> first_transaction, last_transaction;
  std::vector<std::string> damage;  // findings, one line each
  std::vector<StoredCopy> copies;   // generations, newest first, then displaced ones
  std::uint64_t free = 0;
  Journal journal;
  std::string problem;  // why something of this could not be told; empty if all could
};

// Reads the database once (objects are counted from the records). Changes nothing and takes no lock. Never
// throws for one instance's trouble: that is `problem`.
Status status_of(io::Env& env, const Instance& instance);

// An upgrade is open whose database is in doubt: a person has to decide.
bool waits_for_a_person(const Status& status);

// For people and for programs. Ages count from `now`.
std::string status_text(const std::vector<Status>& all, base::UtcTime now);
std::string status_json(const std::vector<Status>& all);

}  // namespace upgrade
