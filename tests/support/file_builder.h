// Writes a valid FileStorage, transaction by transaction: for small databases in tests and for large ones of
// the benchmarks.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "filestorage/format.h"
#include "filestorage/index.h"

namespace support {

class FileBuilder {
 public:
  using Sink = std::function<void(std::string_view)>;  // takes the bytes in order

  explicit FileBuilder(Sink sink, std::string_view magic = filestorage::kMagicFs30) : sink_(std::move(sink)) {
    sink_(magic);
    end_ = magic.size();
  }

  // A transaction, begin() to finish(). Positions of records are those in the file.
  void begin(base::Tid tid, std::string_view user = {}, std::string_view description = {},
             std::string_view extension = {}) {
    header_.tid = tid;
    header_.user = static_cast<std::uint16_t>(user.size());
    header_.description = static_cast<std::uint16_t>(description.size());
    header_.extension = static_cast<std::uint16_t>(extension.size());
    bytes_.assign(filestorage::kTransactionHeaderSize, '\0');
    bytes_ += user;
    bytes_ += description;
    bytes_ += extension;
  }
  // The data must not be empty. An object at most once in a transaction.
  std::uint64_t record(base::Oid oid, std::string_view data) { return add(oid, data, data.size()); }
  std::uint64_t back_pointer(base::Oid oid, std::uint64_t target) {
    std::string bytes(filestorage::kBackPointerSize, '\0');
    base::store_be(reinterpret_cast<std::byte*>(bytes.data()), target);
    return add(oid, bytes, 0);
  }
  void finish(char status = ' ') {
    header_.length = bytes_.size();
    header_.status = status;
    filestorage::store(reinterpret_cast<std::byte*>(bytes_.data()), header_);
    bytes_.append(filestorage::kTrailerSize, '\0');
    base::store_be(reinterpret_cast<std::byte*>(bytes_.data() + header_.length), header_.length);
    sink_(bytes_);
    end_ += bytes_.size();
  }

  // Offset behind the last finished transaction, where the next one goes.
  std::uint64_t end() const { return end_; }
  const filestorage::Index& positions() const { return positions_; }

 private:
  std::uint64_t add(base::Oid oid, std::string_view payload, std::uint64_t length) {
    const std::uint64_t position = end_ + bytes_.size();
    filestorage::RecordHeader record;
    record.oid = oid;
    record.tid = header_.tid;
    record.previous = positions_.exchange(oid, position);
    record.transaction = end_;
    record.data = length;
    const std::size_t at = bytes_.size();
    bytes_.append(filestorage::kRecordHeaderSize, '\0');
    filestorage::store(reinterpret_cast<std::byte*>(bytes_.data() + at), record);
    bytes_ += payload;
    return position;
  }

  Sink sink_;
  std::uint64_t end_ = 0;
  filestorage::TransactionHeader header_;
  std::string bytes_;
  filestorage::Index positions_;
};

}  // namespace support
