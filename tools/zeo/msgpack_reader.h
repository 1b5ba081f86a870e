// msgpack, the other encoding of ZEO 5 and later. Extension types have no use in ZEO and are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zeo/byte_reader.h"
#include "zeo/values.h"

namespace zeo {

class MsgpackReader {
 public:
  // Lists may be nested this deep; honest answers have four.
  static constexpr int kDeepest = 32;

  // Both must outlive the reader; the values found are added to `values`.
  MsgpackReader(base::ByteSpan message, Values& values) : in_(message), values_(values) {}

  // The value of the whole message. Error(protocol) if it ends early, has bytes behind its end, is nested
  // deeper than kDeepest or uses an extension.
  ValueId read();

  // The first `count` members of the array that the message is, reading no further: the rest need not be
  // there.
  std::vector<ValueId> read_beginning(std::size_t count);

 private:
  ValueId read_value(int depth);
  ValueId read_items(ValueKind kind, std::uint64_t count, int depth);
  ValueId read_marked(std::uint8_t mark, int depth);
  ValueId add_integer(std::int64_t number);
  ValueId add_unsigned(std::uint64_t number);
  ValueId add_boolean(bool is_true);
  ValueId add_number(double number);
  ValueId add_text(std::uint64_t length);

  ByteReader in_;
  Values& values_;
};

}  // namespace zeo
