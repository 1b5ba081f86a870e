// Packing a FileStorage offline: a new file without old revisions and without objects that nothing refers to,
// byte for byte what ZODB's pack makes of it, and the index that goes with it.
//
//   PackRequest request;
//   request.options.stop = pack_tid(time);
//   const PackReport report = pack(env, "/var/lib/schooltool", "Data.fs", request);
//
// The old file stands until the new one is complete, synced and looked over; whatever fails before leaves it
// as it is, and nothing besides but a temporary that the next run sweeps. Memory: 18 to 28 bytes for each
// object (some 150 where each oid stands alone), 24 MB, and the largest record. Time grows with the file,
// also where undos lead to undos, or all to one place.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "filestorage/pack_copy.h"
#include "filestorage/pack_select.h"
#include "io/copy.h"
#include "io/env.h"

namespace filestorage {

struct PackRequest {
  PackOptions options;
  std::string blobs;      // absolute path of the blob folder; empty: blobs are not looked at
  bool keep_old = false;  // what was before stays as Data.fs.old and blobs.old
  // Called once with the number of bytes that all passes together go over; the result with those done, from
  // the calling thread. It may throw in order to stop the pack, up to the moment when the new file is put
  // into place: nothing is left behind then.
  std::function<io::OnProgress(std::uint64_t total)> progress;
};

enum class PackOutcome {
  packed,
  nothing_gained,  // the new file would be as long as the old one
  redundant,       // packed to this time or a later one already
  empty            // no objects
};
const char* to_string(PackOutcome outcome);

struct PackReport {
  PackOutcome outcome = PackOutcome::empty;
  Tid stop = 0;
  std::uint64_t size_before = 0, size_after = 0;  // bytes; the same if nothing was changed
  std::uint64_t objects = 0;                      // in the new index
  PackCounts counts;
  std::uint64_t torn_bytes = 0;  // behind the last complete transaction: not carried over
  std::string torn_saved;        // the file that has them ("Data.fs.tr0"); empty if they were too few
  std::uint64_t rescued = 0;     // objects that ZODB's pack would have lost, with what they lead to
  std::vector<DanglingReference> dangling;  // the first hundred, where they are allowed
  std::uint64_t dangling_objects = 0;
  std::uint64_t blobs_removed = 0;
};

// What a pack would leave and free. Takes no lock and changes nothing: the database may be live.
struct PackPlan {
  PackOutcome outcome = PackOutcome::empty;
  Tid stop = 0;
  std::uint64_t size_before = 0, size_after = 0;
  PackCounts counts;
  struct Freed {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
  };
  std::uint64_t objects_dropped = 0;  // of those that existed at the pack time
  // By class ("module.name"); "" for records without data and those whose class cannot be read. At most some
  // ten thousand; what comes beyond is under "(other classes)".
  std::map<std::string, Freed> freed;
  std::uint64_t blobs = 0, blob_bytes = 0;  // files that would go, if a blob folder was named
  std::uint64_t rescued = 0;
  std::vector<DanglingReference> dangling;
  std::uint64_t dangling_objects = 0;
};

// Both: Error(not_found), Error(corrupt) for a damaged file, for dangling references that are not allowed
// (the text names them), and with PackFlaws::copied where ZODB's pack fails. pack(): Error(busy) while a
// server holds the lock, and if the file was changed or replaced meanwhile without it; Error(unsafe_path) if
// a folder stands where a file has to go; Error(no_space). When it returns, everything is durable.
PackReport pack(io::Env& env, const std::string& dir, const std::string& name, const PackRequest& request);
PackPlan plan_pack(io::Env& env, const std::string& dir, const std::string& name, const PackRequest& request);

}  // namespace filestorage
