// Every name that the suite makes or knows in a data folder and its vault. For data name "Data.fs":
//
//   Data.fs.0, Data.fs.3       plain generations, 0 the newest
//   Data.fs.1.gz               compressed ones; savelog(8) makes the same names
//   Data.fs.blank-20261123T141908Z    a displaced database, kept; the word is the verdict on it
//   Data.fs.index, .lock, .tmp, .old  ZODB's own
//   .schooltool-dbtools/Data.fs.20261123T141908Z-1f3a.held    the vault's hold on the state before an upgrade
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/utc_time.h"

namespace upgrade {

inline constexpr const char* kVaultName = ".schooltool-dbtools";

struct Generation {
  unsigned number = 0;
  bool compressed = false;
  auto operator<=>(const Generation&) const = default;
};

std::string generation_name(const std::string& data_name, Generation generation);
// Empty for any other name: numbers have no leading zeros and are below 1,000 (Data.fs.2010 is a copy that
// somebody named after a year, and theirs).
std::optional<Generation> parse_generation(const std::string& data_name, const std::string& name);
// All generations among `names`, the newest first; of one number the plain one first.
std::vector<Generation> generations_in(const std::string& data_name, const std::vector<std::string>& names);

// `word` is "blank", "truncated", "damaged", "foreign", "replaced" or "erased".
std::string displaced_name(const std::string& data_name, const std::string& word, base::UtcTime now);
bool is_displaced_name(const std::string& data_name, const std::string& name);

std::string index_name(const std::string& data_name);
std::string lock_name(const std::string& data_name);

// "20261123T141908Z-1f3a": sorts by time, unique with `random`.
std::string upgrade_id(base::UtcTime now, std::uint64_t random);
std::string held_name(const std::string& data_name, const std::string& id);
bool is_held_name(const std::string& data_name, const std::string& name);

}  // namespace upgrade
