// Checking what a repository holds, without writing anything.
#pragma once

#include <string>
#include <vector>

#include "repozo/chains.h"
#include "repozo/report.h"
#include "repozo/repository.h"

namespace repozo {

struct VerifyOptions {
  bool quick = false;     // sizes only
  bool all = false;       // every chain, and every fault; else the newest one, up to its first fault
  bool with_md5 = false;  // by md5 even where there are block sums
};

struct VerifyFault {
  std::string name;  // file in the repository
  std::string text;  // "is missing", "is 5 bytes, should be 7 bytes", "block 3 (bytes ...) is damaged"
};

struct VerifyResult {
  std::vector<Chain> checked;
  std::vector<VerifyFault> faults;  // none: all is well
};

// Errors: not_found if there are no backups at all, io, unsafe_path. Damage is a fault, not an error.
VerifyResult verify(Repository& repository, const VerifyOptions& options, const Report& report = {});

}  // namespace repozo
