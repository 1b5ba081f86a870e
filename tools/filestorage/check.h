// Is a FileStorage whole? What ZODB's fstest and fsrefs look at, and more: the transactions and records, the
// pickles and the references in them, the index file, the files of blobs. All that is wrong is told, not only
// the first; where the chain of transactions breaks, the check goes on behind the break.
//
//   filestorage::CheckOptions options;
//   const CheckReport report = filestorage::check(data, options, [&](const Problem& problem) { ... });
//
// Sequential passes over the file, in memory that grows with the number of objects only: 8 to 9 bytes for
// each (17 more at most while the index file is compared) and some megabytes. Takes any bytes as input.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "filestorage/scan.h"
#include "io/copy.h"
#include "io/env.h"

namespace filestorage {

enum class ProblemKind {
  structure,            // a transaction or record is not as it has to be: Problem::fault says how
  previous_record,      // prev does not lead to an earlier record of the object
  empty_file,           // 0 bytes
  torn_end,             // a transaction that was cut off, or bytes too few for one
  unfinished_end,       // one that was voted, not finished: a crash, or a server at work
  zeros_at_end,         // zero bytes only: a crash on some file systems
  unreadable,           // the object's newest record leads to no data
  bad_pickle,           // the data are no two pickles, or a reference in them is none
  dangling_missing,     // refers to an object that never was, or whose records are lost
  dangling_undone,      // refers to an object whose creation was undone, or that was deleted
  dangling_unreadable,  // refers to an object whose newest record leads to no data
  no_root,              // there are objects, but none with the oid 0
  index_unreadable,     // the index file is damaged, or of another data file: of no use
  index_wrong,          // an entry that is not the object's newest record
  index_missing,        // no entry for an object
  index_extra,          // an entry for an object that is not there
  blob_missing,         // a blob record without its file
  blob_extra,           // a blob file without its record
  blob_name             // something in the blob folder that no blob has made
};
// "dangling_missing": for programs.
const char* to_string(ProblemKind kind);
const char* to_string(Fault fault);

struct Problem {
  ProblemKind kind = ProblemKind::structure;
  Fault fault = Fault::bad_magic;  // of structure
  std::uint64_t position = 0;      // file offset of the record or transaction; 0 if there is none to name
  Tid tid = 0;
  bool has_oid = false;
  Oid oid = 0;
  std::string class_name;  // of the object, "module.name"; empty if not known
  Oid target = 0;          // of a dangling reference
  std::string text;        // one line for people, without the above
};
using OnProblem = std::function<void(const Problem&)>;

struct CheckOptions {
  bool references = true;      // read the pickles of the current revisions
  bool all_revisions = false;  // and of all others
  io::File* index = nullptr;   // the index file to be compared, if any
  io::Dir* blobs = nullptr;    // the blob folder to be compared, if any
  unsigned threads = 2;
  // Gives a progress function for one pass over so many bytes. Called in the calling thread.
  std::function<io::OnProgress(const char* what, std::uint64_t total)> progress;
};

struct CheckReport {
  ScanResult structure;            // its findings have been told; moved out
  std::uint64_t records_read = 0;  // whose pickles were read
  std::uint64_t references = 0;    // strong ones in them
  std::uint64_t blobs = 0;         // blob records
  std::map<ProblemKind, std::uint64_t> counts;
  // More than a hundred thousand faults of structure: the rest of these were not told.
  bool more = false;

  std::uint64_t problems() const;
};

// `told` is called once for each problem, in the order of the passes and then of the file, by one thread at a
// time. Exceptions: io errors, and what `told` throws.
CheckReport check(io::File& data, const CheckOptions& options, const OnProblem& told);

}  // namespace filestorage
