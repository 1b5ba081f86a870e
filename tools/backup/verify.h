// Proving backups without touching the live data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backup/pair.h"
#include "io/env.h"
#include "upgrade/instances.h"

namespace backup {

struct VerifyRequest {
  bool restore_test = false;
  StartProgress progress;
};

struct Fault {
  std::string name;  // file in the repository; "" for the repository as a whole
  std::string text;
};

struct RestoreTest {
  std::string stamp;
  std::uint64_t bytes = 0, transactions = 0, objects = 0, blobs = 0;
};

struct Verification {
  std::uint64_t backups = 0, chains = 0, archives = 0, blobs = 0;
  std::string newest;         // stamp; "" if there is no backup
  std::vector<Fault> faults;  // none: all is well
  std::optional<RestoreTest> restore_test;
};

// Reads everything: each piece of each chain against its sums, each record, each blob archive member by
// member against its list, and for each chain that every blob which its database names is in the archives of
// its record. With `restore_test` the newest backup is restored, blobs and all, into the folder
// ".restore-test" of the repository, read back by the library's own reader, and removed. Damage is a fault,
// not an error. Takes no lock: if there are faults and the repository changed meanwhile, as a backup that
// ends removes old ones, all of it is read anew. Errors: not_found (no repository), no_space (for the
// restore test), io.
Verification verify(io::Env& env, const upgrade::Instance& instance, const VerifyRequest& request);

}  // namespace backup
