// What an administrator is told when something was done, or has to be: full sentences that name every file
// and the next command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/env.h"
#include "upgrade/instances.h"
#include "upgrade/journal.h"
#include "upgrade/lineage.h"
#include "upgrade/rollback.h"

namespace upgrade {

inline constexpr const char* kNoteName = "NOTE";

std::vector<std::string> rolled_back_notice(const Instance& instance, const Judgement& judgement,
                                            const OpenUpgrade& upgrade, const Fingerprint& put_back,
                                            const std::string& source, const RollbackReport& done);
// What became of the database's blob folder; nothing if it was in place.
std::vector<std::string> blobs_notice(const BlobsBack& blobs);
// `source`: full path of a copy proven to hold the database of before.
std::vector<std::string> doubtful_notice(const Instance& instance, const Judgement& judgement,
                                         const OpenUpgrade& upgrade,
                                         const std::optional<std::string>& source);

// "schooltool 1.0 -> 2.0, python-schooltool": for messages and status.
std::string packages_text(const std::vector<PackageChange>& packages);

// Leaves the lines, with the time, in the state folder's NOTE, replacing an older note. Durable.
void write_note(io::Dir& state, const std::vector<std::string>& lines, io::Env& env);

}  // namespace upgrade
