// Copying what can still be read of a damaged FileStorage into a new one.
//
// Where the chain of transactions breaks, the next whole transaction is searched for byte by byte, as ZODB's
// fsrecover does. More is saved than there:
//   - transactions that stand at another place than they say, as behind bytes that were lost or came in
//   - those with one wrong byte in what is written more than once: a status, a tid, a location, a length
//   - all records of a transaction but those that are damaged
//   - records that an undo made from data in a transaction that is lost but for these data
// Zero bytes or a block of something else inside a transaction are never taken for records. A record whose
// back pointer leads to nothing that could be read is left out; its object stays as it was before.
// Transactions undone by ZODB before 3.3 (status 'u') do not count and are left out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "filestorage/format.h"
#include "io/copy.h"
#include "io/env.h"

namespace filestorage {

// Something that was not copied, or not as it was.
struct Loss {
  enum class What {
    bytes,        // `length` bytes from `position` on, which are no transaction
    transaction,  // a whole one that cannot be kept
    record,       // a single one
    mended        // nothing is lost: it was copied, and the text says what was set right
  } what = What::bytes;
  std::uint64_t position = 0;  // file offset in the damaged file
  std::uint64_t length = 0;    // bytes
  Tid tid = 0;
  Oid oid = 0;  // of a record
  std::string text;
};
const char* to_string(Loss::What what);
using OnLoss = std::function<void(const Loss&)>;

struct SalvageReport {
  std::uint64_t transactions = 0, records = 0;  // copied
  std::uint64_t undone = 0;                     // transactions of status 'u' left out
  std::uint64_t bytes_lost = 0;                 // of what is told as bytes and transactions
  std::uint64_t size = 0;                       // of the new file
  Tid last_tid = 0;
  bool complete() const { return bytes_lost == 0 && records_lost == 0; }
  std::uint64_t records_lost = 0;
};

struct SalvageOptions {
  bool dry_run = false;  // only tell
  io::OnProgress progress;
};

// Makes `name` in `to`, with owner and mode of `from`; durable when it returns. What was written is scanned
// before it gets its name: a whole FileStorage stands there, or nothing. Error(exists) if the name is taken;
// no_space if there is not enough, asked beforehand; corrupt if nothing at all can be read. Memory: 8 to 9
// bytes for each object, and 64 for each record of the largest transaction.
SalvageReport salvage(io::File& from, io::Dir& to, const std::string& name, io::Env& env,
                      const SalvageOptions& options, const OnLoss& told);

}  // namespace filestorage
