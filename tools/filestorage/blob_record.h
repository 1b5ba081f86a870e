// Which records of a database are revisions of blobs: those that stand for a file in the blob folder.
//
// A record is a blob's if its first pickle is exactly the class ZODB.blob.Blob. A back pointer (an undo that
// restores earlier data) counts if it leads to such a record; each revision has a file of its own, named by
// the oid and the tid of the record, not of the one it leads to. A back pointer 0 has no file.
#pragma once

#include <cstdint>
#include <functional>

#include "filestorage/blob_layout.h"
#include "filestorage/format.h"
#include "io/env.h"

namespace filestorage {

// As many bytes of a record's data as is_blob_class needs.
inline constexpr std::size_t kBlobClassBytes = 64;

// Whether the data that begins with `head` (all of it, or at least kBlobClassBytes) is a blob's. Knows every
// form in which a pickler of protocol 0 to 5 writes a class and nothing else.
bool is_blob_class(base::ByteSpan head);

// The same for the record at `position`, through its back pointers. False where they do not lead to data.
bool is_blob_record(io::File& file, std::uint64_t position, const RecordHeader& record);

// Called with each blob revision and the file offset of its record.
using OnBlobRecord = std::function<void(const BlobKey& key, std::uint64_t position)>;

// All blob records of the transactions from `from` to `to` (ends of transactions; 4 is the start of the
// first), in file order; so tids rise, and oids of one transaction come in any order. A revision that a
// transaction holds twice is told twice. Transactions of status 'u' are left out. Reads headers and the first
// bytes of data only, in bounded memory. Error(corrupt), with the position, where the transactions between
// are not whole.
void for_each_blob_record(io::File& file, std::uint64_t from, std::uint64_t to, const OnBlobRecord& visit);

}  // namespace filestorage
