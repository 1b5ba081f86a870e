#include "filestorage/index_pickle.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace filestorage {

namespace {

constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::size_t kLongestDecimal = 24;
constexpr std::uint64_t kNumberLimit = std::uint64_t{1} << 63;

}  // namespace

bool IndexPickleReader::fill() {
  buffer_.resize(kBuffer);
  buffer_.resize(file_.read_full(offset_, buffer_));
  offset_ += buffer_.size();
  used_ = 0;
  return !buffer_.empty();
}

std::optional<std::uint8_t> IndexPickleReader::byte() {
  if (used_ == buffer_.size() && !fill()) return std::nullopt;
  return std::to_integer<std::uint8_t>(buffer_[used_++]);
}

std::optional<std::uint64_t> IndexPickleReader::little_endian(int bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 8 * bytes; shift += 8) {
    const auto next = byte();
    if (!next) return std::nullopt;
    value |= std::uint64_t{*next} << shift;
  }
  return value;
}

// Little-endian, two's complement, of a length that the pickle tells.
std::optional<std::uint64_t> IndexPickleReader::long_number(std::uint64_t bytes) {
  if (bytes > 9) return std::nullopt;
  const auto value = little_endian(static_cast<int>(std::min<std::uint64_t>(bytes, 8)));
  if (bytes == 9 && byte() != 0) return std::nullopt;
  const bool negative = value && bytes > 0 && bytes < 9 && (*value >> (8 * bytes - 1) & 1) != 0;
  return negative ? std::nullopt : value;
}

// Digits, an L perhaps, a newline.
std::optional<std::uint64_t> IndexPickleReader::decimal() {
  std::uint64_t value = 0;
  for (std::size_t digits = 0; digits < kLongestDecimal; ++digits) {
    auto next = byte();
    if (next == 'L' && digits > 0) next = byte() == '\n' ? std::optional<std::uint8_t>('\n') : std::nullopt;
    if (next == '\n' && digits > 0) return value;
    if (!next || *next < '0' || *next > '9' || value > kNumberLimit / 10) return std::nullopt;
    value = value * 10 + (*next - std::uint64_t{'0'});
  }
  return std::nullopt;
}

bool IndexPickleReader::push_number(std::optional<std::uint64_t> number) {
  if (!number || *number >= kNumberLimit) return false;
  stack_.push_back({Value::Kind::number, *number, {}, false});
  return true;
}

bool IndexPickleReader::push_string(std::optional<std::uint64_t> length, bool python2) {
  if (!length || *length > kLongestString) return false;
  Value string{Value::Kind::string, 0, {}, false};
  auto rest = static_cast<std::size_t>(*length);
  while (rest > 0) {
    if (used_ == buffer_.size() && !fill()) return false;
    const std::size_t part = std::min(rest, buffer_.size() - used_);
    string.bytes.append(base::as_text(base::ByteSpan(buffer_).subspan(used_, part)));
    used_ += part;
    rest -= part;
  }
  string.python2_only = python2 && std::any_of(string.bytes.begin(), string.bytes.end(),
                                               [](char c) { return static_cast<unsigned char>(c) > 127; });
  stack_.push_back(std::move(string));
  return true;
}

// Everything but STOP.
bool IndexPickleReader::step(std::uint8_t opcode) {
  switch (opcode) {
    case 0x80: return little_endian(1).has_value();  // PROTO
    case 0x95: return little_endian(8).has_value();  // FRAME
    case 0x94: return true;                          // MEMOIZE
    case 'q': return little_endian(1).has_value();   // BINPUT
    case 'r': return little_endian(4).has_value();   // LONG_BINPUT
    case 'p': return decimal().has_value();          // PUT
    case 'N': stack_.push_back({}); return true;     // NONE
    case 'K': return push_number(little_endian(1));  // BININT1
    case 'M': return push_number(little_endian(2));  // BININT2
    case 'J': {                                      // BININT, signed
      const auto number = little_endian(4);
      return number && *number < 0x80000000 && push_number(number);
    }
    case 'I':                                 // INT
    case 'L': return push_number(decimal());  // LONG
    case 0x8a: {                              // LONG1
      const auto bytes = little_endian(1);
      return bytes && push_number(long_number(*bytes));
    }
    case 'U': return push_string(little_endian(1), true);   // SHORT_BINSTRING
    case 'T': return push_string(little_endian(4), true);   // BINSTRING
    case 'C': return push_string(little_endian(1), false);  // SHORT_BINBYTES
    case 'B': return push_string(little_endian(4), false);  // BINBYTES
    case '(':                                               // MARK
      if (marked_ || !stack_.empty()) return false;
      marked_ = true;
      return true;
    case 't':  // TUPLE
      paired_ = marked_ && stack_.size() == 2;
      marked_ = false;
      return paired_;
    case 0x86:  // TUPLE2
      paired_ = !marked_ && stack_.size() == 2;
      return paired_;
    default: return false;
  }
}

std::optional<IndexPickle> IndexPickleReader::next() {
  stack_.clear();
  marked_ = paired_ = false;
  for (;;) {
    const auto opcode = byte();
    if (!opcode) return std::nullopt;
    if (*opcode == '.') break;
    if (!step(*opcode) || stack_.size() > 2) return std::nullopt;
  }
  if (marked_ || stack_.empty()) return std::nullopt;
  Value& first = stack_.front();
  if (paired_) {
    Value& second = stack_.back();
    if (first.kind != Value::Kind::string || second.kind != Value::Kind::string) return std::nullopt;
    return PickledPair{std::move(first.bytes), std::move(second.bytes),
                       first.python2_only || second.python2_only};
  }
  if (stack_.size() != 1 || first.kind == Value::Kind::string) return std::nullopt;
  if (first.kind == Value::Kind::none) return PickledNone{};
  return first.number;
}

}  // namespace filestorage
