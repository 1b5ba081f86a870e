#include "filestorage/chain_check.h"

#include <algorithm>

namespace filestorage {

namespace {

// Far above any file: sums of positions and lengths below it do not overflow.
constexpr std::uint64_t kLongest = std::uint64_t{1} << 62U;

}  // namespace

void ChainCheck::update(base::ByteSpan piece) {
  while (!piece.empty()) {
    std::size_t used = piece.size();
    if (!broken_ && skip_ > 0) {
      used = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, piece.size()));
      skip_ -= used;
    } else if (!broken_) {
      used = std::min(wanted() - filled_, piece.size());
      std::copy_n(piece.begin(), used, buffer_.begin() + static_cast<std::ptrdiff_t>(filled_));
      filled_ += used;
    }
    position_ += used;
    piece = piece.subspan(used);
    if (!broken_ && filled_ == wanted()) {
      filled_ = 0;
      take();
    }
  }
}

std::size_t ChainCheck::wanted() const {
  switch (expect_) {
    case Expect::magic: return kMagicSize;
    case Expect::transaction: return kTransactionHeaderSize;
    case Expect::record: return kRecordHeaderSize;
    case Expect::trailer: return kTrailerSize;
  }
  return kMagicSize;
}

void ChainCheck::take() {
  switch (expect_) {
    case Expect::magic: return take_magic();
    case Expect::transaction: return take_transaction();
    case Expect::record: return take_record();
    case Expect::trailer: return take_trailer();
  }
}

void ChainCheck::take_magic() {
  const std::string_view magic = base::as_text(base::ByteSpan(buffer_).first(kMagicSize));
  python3_ = magic == kMagicFs30;
  broken_ = !python3_ && magic != kMagicFs21;
  expect_ = Expect::transaction;
}

void ChainCheck::take_transaction() {
  header_ = load_transaction_header(buffer_.data());
  transaction_ = position_ - kTransactionHeaderSize;
  pending_records_ = 0;
  const bool undecodable = python3_ && static_cast<unsigned char>(header_.status) > 127;
  if (undecodable || header_.status == 'c' || header_.length < header_.size() || header_.length > kLongest) {
    broken_ = true;
    return;
  }
  if (header_.status == 'u') {  // its records do not count, whatever they are
    skip_ = header_.length - kTransactionHeaderSize;
    expect_ = Expect::trailer;
    return;
  }
  skip_ = header_.size() - kTransactionHeaderSize;
  expect_record_at(transaction_ + header_.size());
}

void ChainCheck::expect_record_at(std::uint64_t position) {
  const std::uint64_t room = transaction_ + header_.length - position;
  broken_ = room > 0 && room < kRecordHeaderSize;
  expect_ = room == 0 ? Expect::trailer : Expect::record;
}

void ChainCheck::take_record() {
  const RecordHeader record = load_record_header(buffer_.data());
  const std::uint64_t room = transaction_ + header_.length - position_;
  if (record.version != 0 || record.payload() > room || record.transaction != transaction_) {
    broken_ = true;
    return;
  }
  ++pending_records_;
  skip_ = record.payload();
  expect_record_at(position_ + record.payload());
}

void ChainCheck::take_trailer() {
  if (base::load_be<std::uint64_t>(buffer_.data()) != header_.length) {
    broken_ = true;
    return;
  }
  ++transactions_;
  records_ += pending_records_;
  last_tid_ = header_.tid;
  expect_ = Expect::transaction;
}

}  // namespace filestorage
