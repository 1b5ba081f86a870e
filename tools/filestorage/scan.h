// Reading a FileStorage (Data.fs, magic FS21 or FS30) from front to back: its transactions, records, end, and
// damage. Formats: man page, and format.h beside this file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/utc_time.h"
#include "filestorage/index.h"
#include "io/copy.h"
#include "io/env.h"

namespace filestorage {

using base::Oid;
using base::Tid;

enum class Magic { none, fs21, fs30 };  // none: an empty file

// What follows ScanResult::end. Without a fatal finding it is what ZODB cuts off when it opens the file for
// writing.
enum class Tail {
  clean,       // nothing
  torn,        // a transaction that was cut, or bytes too few for one: what a crash leaves
  unfinished,  // a transaction of status 'c': voted, not finished; a live server, or a crash
  zeros        // zero bytes only: a crash on some file systems
};

enum class Fault {
  bad_magic,
  bad_status,       // none of ' ', 'p', 'u', 'c'
  tid_order,        // not above the one before
  bad_length,       // tlen smaller than its header
  length_mismatch,  // trailing length differs
  record_bounds,    // a data record reaches over its transaction, or records do not end at its end
  record_location,  // tloc is not the transaction
  record_tid,       // tid of the record is not the transaction's
  previous_record,  // prev is not the record the object had
  back_pointer,     // does not point to an earlier record of the same object
  version_record,   // leftovers of versions, refused by ZODB 3.9 and later
  lost_tail         // complete transactions stand behind the place where the chain breaks
};

// A place where the chain of transactions breaks, and where it begins anew.
struct Break {
  std::uint64_t from = 0, to = 0;  // file offsets
};

// `fatal` faults are those with which ZODB does not open the file, or would cut off data behind them:
//   bad_magic, bad_length, length_mismatch, record_bounds, record_location, version_record, lost_tail:
//   always; bad_status: a byte over 127 in an FS30 file (ZODB on Python 3 fails to decode it); tid_order,
//   record_tid, previous_record, back_pointer: never.
struct Finding {
  Fault fault;
  bool fatal = false;
  std::uint64_t position = 0;  // file offset
  Tid tid = 0;
  Oid oid = 0;
  std::string text;  // one line for people, without the position
};

struct ScanResult {
  Magic magic = Magic::none;
  std::uint64_t size = 0;  // bytes looked at: the file's size, or the limit
  // Offset behind the last complete transaction that the chain of lengths leads to. 4 if there is none, as
  // ZODB counts also for an empty file; 0 with a bad magic.
  std::uint64_t end = 0;
  Tail tail = Tail::clean;
  std::uint64_t transactions = 0;
  std::uint64_t packed = 0, undone = 0;   // of these, status 'p' and 'u'
  std::uint64_t records = 0;              // without those of status 'u', which do not count for ZODB
  std::uint64_t back_pointers = 0;        // of these, hold a position instead of data
  std::uint64_t deletions = 0;            // of these, hold the back pointer 0: no data from here on
  Tid first_tid = 0, last_tid = 0;        // 0 if there is no transaction
  std::uint64_t last_transaction_at = 0;  // file offset
  std::uint64_t objects = 0;              // distinct oids, if an index was asked for
  std::uint64_t deleted_objects = 0;      // oids whose newest record leads to a back pointer 0, not to data
  Oid max_oid = 0;
  std::uint64_t as_expected = 0;     // records that stand where ScanOptions::expected has their object
  std::uint64_t unexpected = 0;      // records behind that place, or of an object that it does not have
  std::vector<Break> breaks;         // if ScanOptions::beyond_breaks; rising
  std::vector<Finding> findings;     // in file order, at most ScanOptions::max_findings
  std::vector<std::string> digests;  // one for each of ScanOptions::digest_points
  bool damaged() const;              // any fatal finding
};

struct ScanOptions {
  // Treat the file as ending here (a growing file; a known end).
  std::uint64_t limit = ~std::uint64_t{0};
  // Look at the records, not only at the transactions.
  bool records = true;
  // Where the chain breaks, go on at the next whole transaction that stands where it says. All counts, the
  // end and the indexes are then of all that was gone over. Not together with digest points.
  bool beyond_breaks = false;
  // Filled with oid -> file offset of its newest record, as ZODB's index; needs records. status 'u' is left
  // out.
  Index* positions = nullptr;
  // The positions that the newest records are thought to have, without those of status 'u'; needs records.
  // What is found is told by ScanResult::as_expected and unexpected. `prev` is not compared.
  const Index* expected = nullptr;
  // Filled with oid -> tid of its newest record.
  Index* tids = nullptr;
  // Filled with the file offsets of the records that hold a back pointer instead of data, in file order;
  // without those that are left out of `positions`.
  std::vector<std::uint64_t>* without_data = nullptr;
  // Rising offsets, none above the end of the file: the XXH3-128 (hex) of all bytes before each. Reads every
  // byte; without it, the data of large records is skipped.
  std::vector<std::uint64_t> digest_points;
  std::size_t max_findings = 100;
  io::OnProgress on_progress;
};

// One sequential pass in bounded memory (a window of half a megabyte, the indexes asked for, and a bit for
// each deleted object). Takes any bytes as input. Exceptions: io errors, and corrupt if a digest point lies
// past the end of the file.
//
// Damage is a finding. The checks are those of ZODB's opening, in its order; and besides, the tid of each
// record and its back pointer (one small read each). `prev` is compared only if `positions` is asked for; a
// pack to a moment in the past leaves some that are wrong, so previous_record is no sign of damage.
// What follows a fault:
//
// Inside a transaction whose two lengths agree: the walk goes on behind it, and it counts as complete.
// Records behind a fault of bounds are not seen; those with a wrong location are left out of the indexes.
//
// The lengths differ: the walk goes on if a transaction with records starts behind it; else the chain is
// broken here.
//
// The chain is broken (also by a length that is too small or reaches over the end of the file, and by a
// status 'c'): the walk ends, as ZODB's does. What is behind is then searched, byte by byte, for a
// transaction with records that knows its own position, and the end of the file is looked at for one that was
// displaced; either is a lost_tail. So no whole, undisplaced transaction with records is ever taken for part
// of a torn tail. This search is a second reading of what is behind the break. None of it is counted or
// indexed, unless beyond_breaks is asked for: a caller who wants to keep it takes the file up to `size`, not
// up to `end`.
ScanResult scan(io::File& file, const ScanOptions& options);

// Offset behind the last complete transaction of a file of `size` bytes: in a few reads if the file ends with
// a whole transaction, or with one and then a whole one of status 'c'; else by walking the transactions (scan
// without records). Says nothing about what lies before: behind a chain broken in the middle but whole again
// at the end it is the end, where ScanResult::end is the break. 0 for a file that is not a FileStorage at
// all; 4 for an empty one.
std::uint64_t find_end(io::File& file, std::uint64_t size);

}  // namespace filestorage
