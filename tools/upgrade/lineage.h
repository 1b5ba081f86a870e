// Whether the database that is live now is the school's: the verdict by lineage, never by size alone.
//
// Evidence, strongest first: the bytes of before are a prefix of the live file (unchanged, grown); the live
// file is a prefix of the bytes of before (truncated); the two share records, that is, objects whose newest
// revision has the same tid (packed, evolved; damaged if any object has an older one, or the last transaction
// is missing); they share none, and every transaction is younger than the last one of before (blank, if only
// few of the objects exist). A tid is a moment with a resolution below a microsecond, so two databases do not
// share records by chance.
#pragma once

#include <cstdint>
#include <string>

#include "io/copy.h"
#include "io/env.h"
#include "upgrade/journal.h"

namespace upgrade {

// A bootstrapped database has at most this share of the objects of the one it replaced; a descendant has
// more.
inline constexpr double kSmallShare = 0.5;
// An evolved descendant has at least this share of the objects; with less a person looks. (One that was only
// packed may have any: what it lost was garbage.)
inline constexpr double kDescendantShare = 0.5;

struct Judgement {
  Verdict verdict = Verdict::sound;
  std::string reason;  // one clause: "4 transactions, all younger than the upgrade, 12 of 710063 objects"
  Fingerprint live;    // of the live file; size 0 if it is missing, no digest if it has a torn tail
  std::uint64_t kept = 0, rewritten = 0, absent = 0,
                went_back = 0;  // objects of before, where both files were read
};

// `live` null: missing. `before` null: nothing to compare with (sound, blank, missing or damaged).
// `before_file` is the held copy of the database of before, already known to match the fingerprint; it may be
// null, then less can be told and doubtful cases are foreign. Reads `live` once, and `before_file` only if
// the live file does not start with the bytes of before. Memory: 9 bytes per object for each file read, and 2
// MB. The live file may grow while it is read. Error: io only.
Judgement judge(io::File* live, const Fingerprint* before, io::File* before_file,
                const io::OnProgress& progress);

}  // namespace upgrade
