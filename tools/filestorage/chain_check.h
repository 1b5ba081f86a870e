// Whether a database is whole, from its bytes in pieces: for one that comes out of a decompressor, where
// scan() has no file to read.
//
//   ChainCheck check;
//   io::gzip_decompress(file, limit, [&](base::ByteSpan piece) { check.update(piece); });
//   if (check.whole() && check.transactions() > 1) ...
//
// whole() says the same as scan() with a clean tail and no fatal finding, of any content. It keeps a few
// numbers, whatever comes.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "filestorage/format.h"

namespace filestorage {

class ChainCheck {
 public:
  void update(base::ByteSpan piece);

  // So far it is a FileStorage without damage, and ends right behind a complete transaction (or the magic).
  bool whole() const { return !broken_ && expect_ == Expect::transaction && filled_ == 0 && skip_ == 0; }
  // Damaged, or a transaction that was never finished: nothing that follows can make it whole.
  bool broken() const { return broken_; }
  // Of the complete transactions before the first fault.
  std::uint64_t transactions() const { return transactions_; }
  std::uint64_t records() const { return records_; }
  Tid last_tid() const { return last_tid_; }
  // All bytes that came.
  std::uint64_t size() const { return position_; }

 private:
  enum class Expect { magic, transaction, record, trailer };

  std::size_t wanted() const;
  void take();  // what is expected stands in buffer_, whole
  void take_magic();
  void take_transaction();
  void take_record();
  void take_trailer();
  void expect_record_at(std::uint64_t position);

  std::array<std::byte, kRecordHeaderSize> buffer_{};
  std::size_t filled_ = 0;      // bytes in buffer_
  std::uint64_t skip_ = 0;      // to be passed over before the next is expected
  std::uint64_t position_ = 0;  // bytes that came
  Expect expect_ = Expect::magic;
  bool broken_ = false;
  bool python3_ = false;
  TransactionHeader header_;           // of the transaction under way
  std::uint64_t transaction_ = 0;      // its position
  std::uint64_t pending_records_ = 0;  // seen in it
  std::uint64_t transactions_ = 0, records_ = 0;
  Tid last_tid_ = 0;
};

}  // namespace filestorage
