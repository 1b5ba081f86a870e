// Questions about single places of a file that take a few small reads, whatever the file's size.
#pragma once

#include <cstdint>
#include <optional>

#include "filestorage/format.h"
#include "io/env.h"

namespace filestorage {

// A transaction both of whose lengths agree and fit into the file.
struct ProbedTransaction {
  std::uint64_t position = 0;
  TransactionHeader header;
  bool has_records = false;
};

enum class FileKind { empty, fs21, fs30, other };
FileKind probe_magic(io::File& file, std::uint64_t size);

// The transaction that ends at `end` (found by its trailing length): a header with that length and a tid, and
// if there are records, a first one that names its transaction, by tid or by position. Any status.
std::optional<ProbedTransaction> transaction_ending_at(io::File& file, std::uint64_t end);

// Whether a finished transaction (status ' ', 'p' or 'u') with at least one record starts at `position` and
// ends before `size`: the lengths agree, and the first record names it by tid and by position. Bytes of some
// other file that were stored as data do not pass, since they would stand at another position there.
bool is_transaction_at(io::File& file, std::uint64_t position, std::uint64_t size);

// Whether the file of `size` bytes ends with a whole, finished transaction: like transaction_ending_at, and a
// chain of transactions without records, which prove little, leads back to one with records or to the start.
bool ends_with_transaction(io::File& file, std::uint64_t size);

// Where the back pointer `target` of `record` ends.
enum class BackPointer {
  data,
  nothing,  // at a back pointer 0: the object does not exist
  wrong     // it does not point to an earlier record of the same object
};
// Follows back pointers up to a limit of 32, which undos of undos do not reach; what goes on beyond counts as
// data.
BackPointer follow_back_pointer(io::File& file, const RecordHeader& record, std::uint64_t target);

}  // namespace filestorage
