// Recognising transactions in a damaged file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "filestorage/format.h"
#include "filestorage/forward_reader.h"

namespace filestorage {

// A transaction whose two lengths agree, and what could be read of its records.
struct ReadTransaction {
  std::uint64_t position = 0;  // file offset
  TransactionHeader header;
  // Where it stood when it was written: `position`, unless bytes were lost or came in before it.
  std::uint64_t origin = 0;
  std::uint64_t records = 0;
  std::uint64_t records_end = 0;  // file offset behind the last that could be read
  std::string cut;                // why those behind could not be read; empty if there are none
  bool some_locations_wrong = false;
  // Of its records: the tid of most of them, and whether all have that of the header.
  Tid record_tid = 0;
  bool tids_agree = true;

  std::uint64_t end() const { return position + header.length + kTrailerSize; }
};

class TransactionReader {
 public:
  explicit TransactionReader(io::File& file, std::uint64_t size) : in_(file, size), far_(file, size) {}

  // The transaction at `position` of any status; empty, with a reason, if its two lengths do not agree or not
  // even its first record can be read.
  std::optional<ReadTransaction> at(std::uint64_t position, std::string& why);
  // The first transaction behind `position` that has records, all of which can be read, a status which
  // counts, and a tid above `last`.
  std::optional<ReadTransaction> search(std::uint64_t position, Tid last);

 private:
  void read_records(ReadTransaction& transaction);

  ForwardReader in_, far_;  // far_ looks at trailing lengths
};

}  // namespace filestorage
