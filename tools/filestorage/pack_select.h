// Which records of a FileStorage a pack keeps, as ZODB's does (or, where that loses something, more).
//
//   at the pack time   every object that can be reached from the root then: its record of that time
//   for undos          records from before the pack time that back pointers behind it lead to, and what they
//                      refer to
//   rescued            objects that could not be reached at the pack time, but can be now, without having
//   been
//                      written since. ZODB's pack drops these; see PackFlaws.
//   after              everything behind the pack time
//
// Without garbage collection: every object's record of the pack time, and those for undos.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "filestorage/pack_graph.h"
#include "io/copy.h"

namespace filestorage {

enum class PackFlaws {
  // A pack that would fail, or lose an object still in use, keeps what it takes instead. What a transaction
  // of status 'u' (undone by a ZODB of old) deletes is not deleted: for a server that makes its index anew
  // it never was.
  mended,
  copied  // exactly as ZODB's pack
};

// Whether a pack with these flaws takes a deletion in the transaction for one. All its other records count.
inline bool deletions_count(const TransactionHeader& header, PackFlaws flaws) {
  return flaws == PackFlaws::copied || header.status != 'u';
}

struct PackOptions {
  Tid stop = 0;  // the last tid that belongs to the part to be packed
  bool collect_garbage = true;
  PackFlaws flaws = PackFlaws::mended;
  bool allow_dangling = false;  // go on though references lead to objects that do not exist
  unsigned threads = 2;
  io::OnProgress on_progress;  // bytes read so far, of all passes together
};

struct Selection {
  enum class Outcome {
    some,       // there may be something to pack
    empty,      // no objects
    redundant,  // packed to this time or a later one already
  } outcome = Outcome::some;

  std::uint64_t packpos = 0;  // offset of the first transaction behind the pack time
  std::uint64_t end = 0;      // of the transactions
  bool collected_garbage = true;
  Graph graph;  // of the pack time. Without garbage collection its index has offsets, and there are no nodes
  Reached reached;
  // Records kept for undos.
  struct Further {
    std::uint64_t only = 0;  // not 0: the object is kept for this alone, its record of the pack time is not
    std::unordered_set<std::uint64_t> more;
  };
  std::unordered_map<Oid, Further> further;
  std::vector<Oid> rescued;                 // roots of what is kept besides what ZODB keeps
  std::vector<DanglingReference> dangling;  // the first hundred
  std::uint64_t dangling_objects = 0;
  std::uint64_t size_bound = 0;  // a packed file is not larger; 0: not known

  // Of a record before packpos.
  bool keeps(Oid oid, std::uint64_t position) const;
  // Whether any record of the object before packpos is kept.
  bool keeps_object(Oid oid) const;
  // Offset of the object's kept record (of those for undos, the first one found); 0 if there is none.
  std::uint64_t kept_at(Oid oid) const;
};

// Decides for the first `end` bytes of the file, which must be where a transaction ends. Error(corrupt) for
// damage. Dangling references are for the caller to refuse.
Selection select_records(io::File& file, std::uint64_t end, const PackOptions& options);

}  // namespace filestorage
