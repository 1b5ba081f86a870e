// Recognising transactions in a damaged file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "filestorage/format.h"
#include "filestorage/forward_reader.h"
#include "pickle/scanner.h"

namespace filestorage {

// A transaction whose length is certain, and what could be read of its records.
struct ReadTransaction {
  // Bytes between the records that are none of its records.
  struct Gap {
    std::uint64_t position, length;
    const char* why;
  };

  ReadTransaction(std::uint64_t at, const TransactionHeader& has)
      : position(at), header(has), origin(at), record_tid(has.tid) {}

  std::uint64_t position;    // file offset
  TransactionHeader header;  // with the right length
  // Where it stood when it was written: `position`, unless bytes were lost or came in before it.
  std::uint64_t origin;
  std::vector<std::uint64_t> records;  // file offsets
  std::vector<Gap> gaps;               // rising
  bool some_locations_wrong = false;   // by one byte
  // Of its records: the tid of most of them, and whether all have that of the header.
  Tid record_tid;
  bool tids_agree = true;

  std::uint64_t end() const { return position + header.length + kTrailerSize; }
};

// A record belongs to its transaction by the tid and the location that it names, of which one may be wrong in
// one byte; so zero bytes or a block of something else that came in between are no records. Behind them the
// next record is searched for byte by byte.
class TransactionReader {
 public:
  explicit TransactionReader(io::File& file, std::uint64_t size) : in_(file, size), far_(file, size) {}

  // The transaction at `position` of any status; empty, with a reason, if its two lengths do not agree, or
  // bytes stand between them of which nothing can be read.
  std::optional<ReadTransaction> at(std::uint64_t position, std::string& why);
  // The transaction at `position` if it reaches to `end`, where the next one begins: one of its two lengths
  // says so, or they agree on another one, for bytes were lost or came in between them.
  std::optional<ReadTransaction> between(std::uint64_t position, std::uint64_t end);
  // Where the first transaction at or behind `position` begins that has two lengths that agree, a status
  // which counts, a tid above `last`, and a first record that names it; or records which all name another
  // place.
  std::optional<std::uint64_t> search(std::uint64_t position, Tid last);

 private:
  // The record at `position`, if it is one before `end`.
  std::optional<RecordHeader> record_at(std::uint64_t position, std::uint64_t end);
  bool is_whole(ReadTransaction& found);
  bool begins_well(const ReadTransaction& found);
  void read(ReadTransaction& found);
  void find_origin(ReadTransaction& found);
  void read_records(ReadTransaction& found);
  std::uint64_t behind_good_data(ReadTransaction& found, std::uint64_t position);
  std::uint64_t next_record(const ReadTransaction& found, std::uint64_t position, std::uint64_t end);
  bool has_credible_oid(const RecordHeader& record);
  bool patient(std::uint64_t bytes);

  ForwardReader in_, far_;  // far_ looks at trailing lengths
  pickle::Scanner scanner_;
  // Bytes gone over more than once: forged headers could each claim the whole rest of the file.
  std::uint64_t again_ = 0;
};

}  // namespace filestorage
