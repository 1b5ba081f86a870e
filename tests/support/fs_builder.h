// Small databases with a history: a school's, what an upgrade makes of it, and what replaces it by accident.
// Equal arguments give equal bytes, so school(20) is a prefix of school(25).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/utc_time.h"
#include "filestorage/format.h"

namespace support {

struct Transaction {
  base::Tid tid = 0;
  std::vector<base::Oid> oids;  // an object each gets a new revision
  char status = ' ';
};
using History = std::vector<Transaction>;

// The root object first; then each transaction adds three objects and rewrites two older ones, an hour later
// than the one before, from 2025-06-01 on.
History school_history(unsigned transactions);
// A school application just set up, from `when` on: four transactions, six objects.
History bootstrap_history(base::UtcTime when);
// What a pack at the end leaves: the newest revisions, without those of `garbage`.
History packed(const History& history, const std::set<base::Oid>& garbage = {});
// `more` transactions behind it, each an hour later, that rewrite a few of its objects and add one.
History lived_on(History history, unsigned more);

std::string render(const History& history, std::string_view magic = filestorage::kMagicFs30);

// In bytes, about 450 a transaction.
std::string school(unsigned transactions = 20);
// As of 2026-01-02, later than any transaction of school() and than the clock's start in io::MemEnv.
std::string bootstrap();
// `whole` and a transaction behind it that was cut.
std::string with_torn_tail(const std::string& whole);

std::string gzipped(const std::string& content);
std::string gunzipped(const std::string& packed);

}  // namespace support
