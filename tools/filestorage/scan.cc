#include "filestorage/scan.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/error.h"
#include "filestorage/findings.h"
#include "filestorage/format.h"
#include "filestorage/lost_tail.h"
#include "filestorage/oid_set.h"
#include "filestorage/probe.h"
#include "filestorage/scan_on.h"
#include "filestorage/window.h"

namespace filestorage {

namespace {

class Scanner {
 public:
  Scanner(io::File& file, const ScanOptions& options, std::uint64_t size)
      : file_(file),
        options_(options),
        window_(file, size, options.digest_points, options.on_progress),
        findings_(options.max_findings) {
    result_.size = size;
  }

  // From the end of the transaction with the tid `last`; 4 and 0 for the whole file.
  ScanResult run(std::uint64_t position, Tid last) {
    if (check_magic()) {
      result_.end = position;
      walk(position, last);
    }
    result_.digests = window_.finish();
    result_.findings = findings_.take();
    result_.deleted_objects = deleted_.size();
    if (options_.positions != nullptr) {
      result_.objects = options_.positions->size();
    } else if (options_.tids != nullptr) {
      result_.objects = options_.tids->size();
    }
    return std::move(result_);
  }

 private:
  bool check_magic() {
    switch (probe_magic(file_, result_.size)) {
      case FileKind::empty: result_.magic = Magic::none; break;
      case FileKind::fs21: result_.magic = Magic::fs21; break;
      case FileKind::fs30: result_.magic = Magic::fs30; break;
      case FileKind::other:
        findings_.add({Fault::bad_magic, true, 0, 0, 0, "the file does not begin with FS21 or FS30"});
        return false;
    }
    return true;
  }

  void walk(std::uint64_t position, Tid before) {
    last_ = before;
    while (position < window_.size()) position = transaction(position);
  }

  // Where the next one begins.
  std::uint64_t transaction(std::uint64_t position) {
    const std::byte* bytes = window_.at(position, kTransactionHeaderSize);
    if (bytes == nullptr) return end_of_chain(position, Tail::torn);
    const TransactionHeader header = load_transaction_header(bytes);
    const std::uint64_t rest = window_.size() - position;
    check_decodable(position, header);
    if (header.length > rest - kTrailerSize) return end_of_chain(position, Tail::torn);
    if (header.status == 'c') return end_of_chain(position, Tail::unfinished);
    const bool too_short = header.length < header.size();
    if (too_short && looks_like_crash(position)) return end_of_chain(position, Tail::torn);
    if (header.tid <= last_)
      add(Fault::tid_order, position, header, "the transaction is not later than the one before it");
    last_ = header.tid;
    check_status(position, header);
    if (too_short) {
      add_fatal(
          Fault::bad_length, position, header,
          "the transaction has a length of " + std::to_string(header.length) + ", less than its header");
      return end_of_chain(position, Tail::torn);
    }
    if (options_.records && header.status != 'u') scan_records(position, header);
    const std::uint64_t next = position + header.length + kTrailerSize;
    bytes = window_.at(position + header.length, kTrailerSize);
    if (bytes == nullptr) return end_of_chain(position, Tail::torn);
    if (const auto length = base::load_be<std::uint64_t>(bytes); length != header.length) {
      add_fatal(Fault::length_mismatch, position + header.length, header,
                "the transaction has a length of " + std::to_string(header.length) + " in front and " +
                    std::to_string(length) + " behind");
      if (!is_transaction_at(file_, next, window_.size())) return end_of_chain(position, Tail::torn);
    }
    count(position, header);
    return next;
  }

  void count(std::uint64_t position, const TransactionHeader& header) {
    if (result_.transactions == 0) result_.first_tid = header.tid;
    ++result_.transactions;
    result_.packed += header.status == 'p' ? 1 : 0;
    result_.undone += header.status == 'u' ? 1 : 0;
    result_.last_tid = header.tid;
    result_.last_transaction_at = position;
    result_.end = position + header.length + kTrailerSize;
  }

  void scan_records(std::uint64_t transaction, const TransactionHeader& header) {
    const std::uint64_t end = transaction + header.length;
    std::uint64_t position = transaction + header.size();
    while (position < end) {
      const std::uint64_t room = end - position;
      const std::byte* bytes = room < kRecordHeaderSize ? nullptr : window_.at(position, kRecordHeaderSize);
      if (bytes == nullptr) {
        return add_fatal(Fault::record_bounds, position, header,
                         "the records do not end where the transaction does");
      }
      const RecordHeader record = load_record_header(bytes);
      if (record.version != 0) {
        return add_fatal(Fault::version_record, position, header, "the record belongs to a version",
                         record.oid);
      }
      if (record.payload() > room - kRecordHeaderSize) {
        return add_fatal(Fault::record_bounds, position, header,
                         "the record reaches over the end of its transaction", record.oid);
      }
      ++result_.records;
      if (record.tid != header.tid) {
        add(Fault::record_tid, position, header, "the record has another tid than its transaction",
            record.oid);
      }
      if (record.transaction == transaction) {
        take_record(position, header, record);
      } else {
        add_fatal(Fault::record_location, position, header,
                  "the record says that its transaction is at " + std::to_string(record.transaction) +
                      ", not " + std::to_string(transaction),
                  record.oid);
      }
      position += kRecordHeaderSize + record.payload();
    }
  }

  void take_record(std::uint64_t position, const TransactionHeader& header, const RecordHeader& record) {
    result_.max_oid = std::max(result_.max_oid, record.oid);
    if (options_.positions != nullptr) {
      const std::uint64_t old = options_.positions->exchange(record.oid, position);
      if (old != record.previous) check_previous(position, header, record, old);
    }
    if (options_.expected != nullptr) {
      const std::uint64_t newest = options_.expected->get(record.oid);
      result_.as_expected += newest == position ? 1 : 0;
      result_.unexpected += newest < position ? 1 : 0;
    }
    if (options_.tids != nullptr && header.tid != 0) options_.tids->set(record.oid, header.tid);
    if (record.data == 0) {
      if (options_.without_data != nullptr) options_.without_data->push_back(position);
      take_back_pointer(position, header, record);
    } else if (deleted_.size() != 0) {
      deleted_.erase(record.oid);
    }
  }

  // `old` is where the index has the object. Two records of one object in one transaction both tell the one
  // before the transaction.
  void check_previous(std::uint64_t position, const TransactionHeader& header, const RecordHeader& record,
                      std::uint64_t old) {
    if (old > record.transaction) {
      std::array<std::byte, kRecordHeaderSize> bytes;
      if (file_.read_full(old, bytes) == bytes.size()) old = load_record_header(bytes.data()).previous;
      if (old == record.previous) return;
    }
    add(Fault::previous_record, position, header,
        "the record names " + std::to_string(record.previous) + " as the one before it, not " +
            std::to_string(old),
        record.oid);
  }

  void take_back_pointer(std::uint64_t position, const TransactionHeader& header,
                         const RecordHeader& record) {
    const std::byte* bytes = window_.at(position, kRecordHeaderSize + kBackPointerSize);
    if (bytes == nullptr) return;
    const auto target = base::load_be<std::uint64_t>(bytes + kRecordHeaderSize);
    ++(target == 0 ? result_.deletions : result_.back_pointers);
    const BackPointer end = follow_back_pointer(file_, record, target);
    if (end == BackPointer::nothing) {
      deleted_.insert(record.oid);
      return;
    }
    deleted_.erase(record.oid);
    if (end == BackPointer::wrong) {
      add(Fault::back_pointer, position, header,
          "the back pointer to " + std::to_string(target) +
              " does not lead to an earlier record of the object",
          record.oid);
    }
  }

  // ZODB on Python 3 decodes the status as ASCII, before anything else.
  void check_decodable(std::uint64_t position, const TransactionHeader& header) {
    if (result_.magic == Magic::fs30 && static_cast<unsigned char>(header.status) > 127) {
      add_fatal(Fault::bad_status, position, header, status_text(header));
    }
  }

  void check_status(std::uint64_t position, const TransactionHeader& header) {
    if (header.status == ' ' || header.status == 'p' || header.status == 'u') return;
    if (result_.magic == Magic::fs30 && static_cast<unsigned char>(header.status) > 127)
      return;  // told already
    add(Fault::bad_status, position, header, status_text(header));
  }

  static std::string status_text(const TransactionHeader& header) {
    const std::array<std::byte, 1> status = {static_cast<std::byte>(header.status)};
    return "the transaction has the unknown status 0x" + base::to_hex(status);
  }

  // ZODB's test of a length that is too small: if the last 8 bytes are no length that leads to behind here,
  // then a crash left this, and it is cut off.
  bool looks_like_crash(std::uint64_t position) {
    std::array<std::byte, kTrailerSize> bytes;
    if (file_.read_full(window_.size() - bytes.size(), bytes) != bytes.size()) return true;
    const auto length = base::load_be<std::uint64_t>(bytes.data());
    return length < kTransactionHeaderSize || length > window_.size() - position;
  }

  // Returns where the walk goes on.
  std::uint64_t end_of_chain(std::uint64_t position, Tail tail) {
    const LostTail lost = find_lost_tail(file_, position, window_.size());
    if (lost.transaction) {
      findings_.add({Fault::lost_tail, true, position, 0, 0,
                     "the chain of transactions breaks, but whole ones follow, such as the one at " +
                         std::to_string(*lost.transaction)});
      if (options_.beyond_breaks && !lost.displaced) {
        result_.breaks.push_back({position, *lost.transaction});
        return *lost.transaction;
      }
    }
    result_.tail = lost.only_zeros ? Tail::zeros : tail;
    return window_.size();
  }

  void add(Fault fault, std::uint64_t position, const TransactionHeader& header, std::string text,
           Oid oid = 0) {
    findings_.add({fault, false, position, header.tid, oid, std::move(text)});
  }
  void add_fatal(Fault fault, std::uint64_t position, const TransactionHeader& header, std::string text,
                 Oid oid = 0) {
    findings_.add({fault, true, position, header.tid, oid, std::move(text)});
  }

  io::File& file_;
  const ScanOptions& options_;
  ScanResult result_;
  Window window_;
  Findings findings_;
  OidSet deleted_;
  Tid last_ = 0;  // of the transaction before
};

}  // namespace

bool ScanResult::damaged() const {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.fatal; });
}

ScanResult scan(io::File& file, const ScanOptions& options) {
  const std::uint64_t size = std::min(file.status().size, options.limit);
  if (options.beyond_breaks && !options.digest_points.empty())
    throw base::Error(base::ErrorKind::usage, "read", file.path(), "no digests beyond a break");
  for (const std::uint64_t point : options.digest_points) {
    if (point > size) {
      throw base::Error(base::ErrorKind::corrupt, "read", file.path(), "the file is shorter than expected");
    }
  }
  return Scanner(file, options, size).run(kMagicSize, 0);
}

ScanResult scan_on(io::File& file, const ScanOptions& options, std::uint64_t position, Tid last) {
  const std::uint64_t size = std::min(file.status().size, options.limit);
  if (position < kMagicSize || position > size || !options.digest_points.empty()) {
    throw base::Error(base::ErrorKind::usage, "read", file.path(),
                      "cannot be scanned from byte " + std::to_string(position));
  }
  return Scanner(file, options, size).run(position, last);
}

}  // namespace filestorage
