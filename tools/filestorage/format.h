// The bytes of a FileStorage file, described once. All numbers are unsigned and big-endian; positions count
// from the start of the file.
//
//   file         magic "FS21" or "FS30" (4), then transactions one behind the other, tids strictly rising
//
//   transaction  at  bytes
//                 0  8     tid
//                 8  8     tlen: length of the whole record minus 8
//                16  1     status: ' ' done, 'p' done and packed, 'c' voted but not finished,
//                          'u' undone by ZODB before 3.3 (its records do not count)
//                17  2+2+2 lengths of user, description, extension
//                23  ...   user, description, extension, then the data records
//              tlen  8     tlen again, so that the file can be read backwards
//
//   data record   0  8     oid
//                 8  8     tid, that of the transaction
//                16  8     prev: position of the object's record before this one, or 0
//                24  8     tloc: position of the transaction
//                32  2     length of a version name, 0 since ZODB 3.9
//                34  8     plen: length of the data
//                42  plen  the data; if plen is 0, 8 bytes of back pointer: the position of the record
//                          whose data these are, or 0 if the object does not exist from here on
//
// Example, the transaction at position 4 that stores a 3-byte record of the root object (tlen is 0x44):
//
//   0398f82b40865944 0000000000000044 20 0000 0000 0000
//   0000000000000000 0398f82b40865944 0000000000000000 0000000000000004 0000 0000000000000003 80034e
//   0000000000000044
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/utc_time.h"

namespace filestorage {

using base::Oid;
using base::Tid;

inline constexpr std::string_view kMagicFs21 = "FS21";  // any ZODB on Python 2
inline constexpr std::string_view kMagicFs30 = "FS30";  // ZODB on Python 3
inline constexpr std::uint64_t kMagicSize = 4;
inline constexpr std::uint64_t kTransactionHeaderSize = 23;  // without user, description, extension
inline constexpr std::uint64_t kRecordHeaderSize = 42;
inline constexpr std::uint64_t kBackPointerSize = 8;
inline constexpr std::uint64_t kTrailerSize = 8;  // the length at the end of a transaction

struct TransactionHeader {
  Tid tid = 0;
  std::uint64_t length = 0;  // tlen
  char status = ' ';
  std::uint16_t user = 0, description = 0, extension = 0;  // lengths

  // Up to the first data record.
  std::uint64_t size() const { return kTransactionHeaderSize + user + description + extension; }
};

struct RecordHeader {
  Oid oid = 0;
  Tid tid = 0;
  std::uint64_t previous = 0;     // prev
  std::uint64_t transaction = 0;  // tloc
  std::uint16_t version = 0;      // length of the version name
  std::uint64_t data = 0;         // plen

  // Bytes behind the header: the data or a back pointer.
  std::uint64_t payload() const { return data != 0 ? data : kBackPointerSize; }
};

// `at` holds kTransactionHeaderSize bytes.
inline TransactionHeader load_transaction_header(const std::byte* at) {
  TransactionHeader header;
  header.tid = base::load_be<std::uint64_t>(at);
  header.length = base::load_be<std::uint64_t>(at + 8);
  header.status = std::to_integer<char>(at[16]);
  header.user = base::load_be<std::uint16_t>(at + 17);
  header.description = base::load_be<std::uint16_t>(at + 19);
  header.extension = base::load_be<std::uint16_t>(at + 21);
  return header;
}

inline void store(std::byte* at, const TransactionHeader& header) {
  base::store_be(at, header.tid);
  base::store_be(at + 8, header.length);
  at[16] = static_cast<std::byte>(header.status);
  base::store_be(at + 17, header.user);
  base::store_be(at + 19, header.description);
  base::store_be(at + 21, header.extension);
}

// `at` holds kRecordHeaderSize bytes.
inline RecordHeader load_record_header(const std::byte* at) {
  RecordHeader header;
  header.oid = base::load_be<std::uint64_t>(at);
  header.tid = base::load_be<std::uint64_t>(at + 8);
  header.previous = base::load_be<std::uint64_t>(at + 16);
  header.transaction = base::load_be<std::uint64_t>(at + 24);
  header.version = base::load_be<std::uint16_t>(at + 32);
  header.data = base::load_be<std::uint64_t>(at + 34);
  return header;
}

inline void store(std::byte* at, const RecordHeader& header) {
  base::store_be(at, header.oid);
  base::store_be(at + 8, header.tid);
  base::store_be(at + 16, header.previous);
  base::store_be(at + 24, header.transaction);
  base::store_be(at + 32, header.version);
  base::store_be(at + 34, header.data);
}

}  // namespace filestorage
