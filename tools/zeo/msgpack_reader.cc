#include "zeo/msgpack_reader.h"

#include <bit>
#include <limits>
#include <utility>

namespace zeo {

ValueId MsgpackReader::add_integer(std::int64_t number) {
  Value value;
  value.kind = ValueKind::integer;
  value.integer = number;
  return values_.add(std::move(value));
}

ValueId MsgpackReader::add_unsigned(std::uint64_t number) {
  if (number > std::numeric_limits<std::int64_t>::max()) nonsense("a number beyond 63 bits");
  return add_integer(static_cast<std::int64_t>(number));
}

ValueId MsgpackReader::add_boolean(bool is_true) {
  Value value;
  value.kind = ValueKind::boolean;
  value.integer = is_true ? 1 : 0;
  return values_.add(std::move(value));
}

ValueId MsgpackReader::add_number(double number) {
  Value value;
  value.kind = ValueKind::number;
  value.number = number;
  return values_.add(std::move(value));
}

ValueId MsgpackReader::add_text(std::uint64_t length) {
  Value value;
  value.kind = ValueKind::text;
  value.text = in_.take_text(length);
  return values_.add(std::move(value));
}

ValueId MsgpackReader::read_items(ValueKind kind, std::uint64_t count, int depth) {
  if (depth >= kDeepest) nonsense("lists nested more than " + std::to_string(kDeepest) + " deep");
  Value value;
  value.kind = kind;
  const ValueId id = values_.add(std::move(value));
  // Each value takes at least a byte of the message, so a false count ends with an error and not with memory.
  const std::uint64_t parts = kind == ValueKind::mapping ? 2 * count : count;
  for (std::uint64_t i = 0; i < parts; ++i) {
    const ValueId item = read_value(depth + 1);
    values_.at(id).items.push_back(item);
  }
  return id;
}

ValueId MsgpackReader::read_marked(std::uint8_t mark, int depth) {
  switch (mark) {
    case 0xc0: return values_.add({});
    case 0xc2: return add_boolean(false);
    case 0xc3: return add_boolean(true);
    case 0xc4:
    case 0xd9: return add_text(in_.u8());
    case 0xc5:
    case 0xda: return add_text(in_.be<std::uint16_t>());
    case 0xc6:
    case 0xdb: return add_text(in_.be<std::uint32_t>());
    case 0xca: return add_number(static_cast<double>(std::bit_cast<float>(in_.be<std::uint32_t>())));
    case 0xcb: return add_number(std::bit_cast<double>(in_.be<std::uint64_t>()));
    case 0xcc: return add_unsigned(in_.u8());
    case 0xcd: return add_unsigned(in_.be<std::uint16_t>());
    case 0xce: return add_unsigned(in_.be<std::uint32_t>());
    case 0xcf: return add_unsigned(in_.be<std::uint64_t>());
    case 0xd0: return add_integer(static_cast<std::int8_t>(in_.u8()));
    case 0xd1: return add_integer(in_.be<std::int16_t>());
    case 0xd2: return add_integer(in_.be<std::int32_t>());
    case 0xd3: return add_integer(in_.be<std::int64_t>());
    case 0xdc: return read_items(ValueKind::sequence, in_.be<std::uint16_t>(), depth);
    case 0xdd: return read_items(ValueKind::sequence, in_.be<std::uint32_t>(), depth);
    case 0xde: return read_items(ValueKind::mapping, in_.be<std::uint16_t>(), depth);
    case 0xdf: return read_items(ValueKind::mapping, in_.be<std::uint32_t>(), depth);
    default: nonsense("a msgpack type that ZEO does not use");
  }
}

ValueId MsgpackReader::read_value(int depth) {
  const std::uint8_t mark = in_.u8();
  if (mark < 0x80) return add_integer(mark);
  if (mark < 0x90) return read_items(ValueKind::mapping, mark & 0x0fU, depth);
  if (mark < 0xa0) return read_items(ValueKind::sequence, mark & 0x0fU, depth);
  if (mark < 0xc0) return add_text(mark & 0x1fU);
  if (mark >= 0xe0) return add_integer(static_cast<std::int8_t>(mark));
  return read_marked(mark, depth);
}

ValueId MsgpackReader::read() {
  const ValueId id = read_value(0);
  if (!in_.at_end()) nonsense("a message with bytes behind its end");
  return id;
}

std::vector<ValueId> MsgpackReader::read_beginning(std::size_t count) {
  const std::uint8_t mark = in_.u8();
  std::uint64_t length = mark & 0x0fU;
  if (mark == 0xdc) length = in_.be<std::uint16_t>();
  if (mark == 0xdd) length = in_.be<std::uint32_t>();
  if ((mark & 0xf0U) != 0x90 && mark != 0xdc && mark != 0xdd) nonsense("a message that is no list");
  if (length < count) nonsense("a message of fewer than " + std::to_string(count) + " values");
  std::vector<ValueId> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(read_value(1));
  return ids;
}

}  // namespace zeo
