// Compressing older generations and applying retention.
//
// .1 and older become standard .N.gz; Data.fs.0 stays plain, ready to be put back at once. A plain file goes
// only after its compressed form was synced, read back to the same digest, and renamed into place
// (compress.h). Crash-safe at every step: a generation that exists both plain and compressed is finished by
// the next run. Generations that savelog(8) made are treated like our own: plain ones, gaps, and pairs it
// left.
//
// Only plain files of the folder's owner are touched (DataFolder::open_ours); anything else under a
// generation's name is reported and left alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/copy.h"
#include "io/env.h"
#include "upgrade/instances.h"

namespace upgrade {

struct RotatePlan {
  std::vector<std::string> compress;  // names of plain files, oldest first
  std::vector<std::string> remove;    // by retention, oldest first
  std::vector<std::string> skipped;   // "name: reason": links, devices, files of others, empty ones, and what
                                      // somebody may still be writing
};

struct RotateReport {
  RotatePlan done;
  std::vector<std::string>
      failed;  // messages: generations that could not be read or compressed. The rest was done
  std::uint64_t bytes_before = 0, bytes_after = 0;  // of the compressed files
  std::uint64_t free = 0;                           // of the file system afterwards
};

// What a run would do now; reads the copies that retention has to know, writes nothing. `remove` is at most
// what a run removes for min_free: if compressing gives enough room, the run removes less. Without
// a data folder there is nothing to do.
RotatePlan plan_rotate(io::Env& env, const Instance& instance);

// Takes the instance's lock, waiting as its settings say (busy). In this order:
//   1. sweeps temporaries of killed runs;
//   2. removes what is beyond `keep`;
//   3. compresses, the oldest first; a number that is there both plain and compressed with different contents
//   becomes two numbers,
//      the older content the higher one;
//   4. removes further ones while less than min_free is free, and tries again what had no room before.
// A copy counts as good for retention if it was read in full and is an undamaged database with more than a
// root object in it; each is read once, see known_copies.h. While an upgrade is open nothing is removed, and
// what the vault holds is not compressed (it would take space and free none). Error(no_space) after all that
// if a generation could not be compressed for want of room: nothing of it is changed, the rest was done. The
// compressed file has the plain one's owner, mode and time. Progress counts the bytes of all plain files
// read.
RotateReport rotate(io::Env& env, const Instance& instance, const io::OnProgress& progress);

}  // namespace upgrade
