#include "zeo/pickle_reader.h"

#include <bit>
#include <charconv>
#include <utility>

#include "base/bytes.h"

namespace zeo {
namespace {

constexpr std::uint8_t kHighestProtocol = 3;

std::int64_t parse_decimal(std::string_view digits) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size())
    nonsense("a pickle with a number that is none, or beyond 64 bits");
  return number;
}

}  // namespace

void PickleReader::push_integer(std::int64_t number) {
  Value value;
  value.kind = ValueKind::integer;
  value.integer = number;
  push(std::move(value));
}

void PickleReader::push_text(std::string_view text) {
  Value value;
  value.kind = ValueKind::text;
  value.text = text;
  push(std::move(value));
}

// "00" and "01" are how protocols 0 and 1 write booleans.
void PickleReader::push_decimal(std::string_view digits) {
  if (digits != "00" && digits != "01") return push_integer(parse_decimal(digits));
  Value value;
  value.kind = ValueKind::boolean;
  value.integer = digits == "01" ? 1 : 0;
  push(std::move(value));
}

ValueId PickleReader::pop() {
  if (above_mark() == 0) nonsense("a pickle that takes more values than it made");
  const ValueId id = stack_.back();
  stack_.pop_back();
  return id;
}

std::vector<ValueId> PickleReader::pop_many(std::size_t count) {
  if (above_mark() < count) nonsense("a pickle that takes more values than it made");
  std::vector<ValueId> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return items;
}

std::vector<ValueId> PickleReader::pop_to_mark() {
  if (marks_.empty()) nonsense("a pickle that closes what it did not open");
  std::vector<ValueId> items = pop_many(above_mark());
  marks_.pop_back();
  return items;
}

void PickleReader::push_sequence(std::vector<ValueId> items) {
  Value value;
  value.kind = ValueKind::sequence;
  value.items = std::move(items);
  push(std::move(value));
}

// To the list or dict on top of the stack.
void PickleReader::append_to(ValueKind kind, const std::vector<ValueId>& items) {
  if (above_mark() == 0) nonsense("a pickle that adds to nothing");
  Value& container = values_.at(stack_.back());
  if (container.kind != kind) nonsense("a pickle that adds to what is no container");
  if (kind == ValueKind::mapping && items.size() % 2 != 0) nonsense("a pickle with a key without a value");
  container.items.insert(container.items.end(), items.begin(), items.end());
}

bool PickleReader::read_number(char opcode) {
  switch (opcode) {
    case 'K': push_integer(in_.u8()); return true;
    case 'M': push_integer(in_.le<std::uint16_t>()); return true;
    case 'J': push_integer(in_.le<std::int32_t>()); return true;
    case 'I': push_decimal(in_.take_line()); return true;
    case 'L': {
      std::string_view digits = in_.take_line();
      if (digits.ends_with('L')) digits.remove_suffix(1);
      push_integer(parse_decimal(digits));
      return true;
    }
    case '\x8a': {  // little-endian, two's complement
      const base::ByteSpan bytes = in_.take(in_.u8());
      if (bytes.size() > 8) nonsense("a pickle with a number beyond 64 bits");
      std::uint64_t number = 0;
      for (std::size_t i = bytes.size(); i-- > 0;)
        number = number << 8 | std::to_integer<std::uint64_t>(bytes[i]);
      const bool negative = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0};
      if (negative && bytes.size() < 8) number |= ~std::uint64_t{0} << (8 * bytes.size());
      push_integer(static_cast<std::int64_t>(number));
      return true;
    }
    case 'G': {
      Value value;
      value.kind = ValueKind::number;
      value.number = std::bit_cast<double>(in_.be<std::uint64_t>());
      push(std::move(value));
      return true;
    }
    default: return false;
  }
}

bool PickleReader::read_text(char opcode) {
  switch (opcode) {
    case 'U':
    case 'C': push_text(in_.take_text(in_.u8())); return true;
    case 'T':
    case 'X':
    case 'B': push_text(in_.take_text(in_.le<std::uint32_t>())); return true;
    case 'c': {
      Value value;
      value.kind = ValueKind::global;
      value.text = in_.take_line();
      value.text += '.';
      value.text += in_.take_line();
      push(std::move(value));
      return true;
    }
    default: return false;
  }
}

bool PickleReader::read_scalar(char opcode) {
  Value value;
  switch (opcode) {
    case 'N': break;
    case '\x88':
    case '\x89':
      value.kind = ValueKind::boolean;
      value.integer = opcode == '\x88' ? 1 : 0;
      break;
    default: return read_number(opcode) || read_text(opcode);
  }
  push(std::move(value));
  return true;
}

// What `parts` values on the stack would make: REDUCE calls the first with the second, BUILD gives the object
// below a state.
void PickleReader::push_object(Value object, std::size_t parts) {
  object.kind = ValueKind::object;
  object.items = pop_many(parts);
  push(std::move(object));
}

void PickleReader::read_container(char opcode) {
  switch (opcode) {
    case '(': marks_.push_back(stack_.size()); break;
    case ')':
    case ']': push_sequence({}); break;
    case '}': {
      Value value;
      value.kind = ValueKind::mapping;
      push(std::move(value));
      break;
    }
    case 't': push_sequence(pop_to_mark()); break;
    case '\x85': push_sequence(pop_many(1)); break;
    case '\x86': push_sequence(pop_many(2)); break;
    case '\x87': push_sequence(pop_many(3)); break;
    case 'a': append_to(ValueKind::sequence, pop_many(1)); break;
    case 'e': append_to(ValueKind::sequence, pop_to_mark()); break;
    case 's': append_to(ValueKind::mapping, pop_many(2)); break;
    case 'u': append_to(ValueKind::mapping, pop_to_mark()); break;
    case 'R': push_object({}, 2); break;
    case 'b': {
      const ValueId state = pop();
      if (above_mark() == 0) nonsense("a pickle that gives a state to nothing");
      Value& object = values_.at(stack_.back());
      if (object.kind != ValueKind::object) nonsense("a pickle that gives a state to what is no object");
      object.items.push_back(state);
      break;
    }
    default: read_memo(opcode);
  }
}

void PickleReader::read_memo(char opcode) {
  const auto index = [&]() -> std::uint32_t {
    return opcode == 'q' || opcode == 'h' ? in_.u8() : in_.le<std::uint32_t>();
  };
  if (opcode == 'q' || opcode == 'r') {
    const std::uint32_t place = index();
    if (above_mark() == 0) nonsense("a pickle that remembers nothing");
    memo_[place] = stack_.back();
  } else if (opcode == 'h' || opcode == 'j') {
    const auto found = memo_.find(index());
    if (found == memo_.end()) nonsense("a pickle that recalls what it never remembered");
    stack_.push_back(found->second);
  } else {
    nonsense("a pickle with the opcode 0x" + base::to_hex(base::as_bytes({&opcode, 1})));
  }
}

// False at the end of the pickle.
bool PickleReader::step() {
  const char opcode = in_.take_text(1).front();
  if (opcode == '.') return false;
  if (opcode == '\x80') {
    const unsigned protocol = in_.u8();
    if (protocol > kHighestProtocol) nonsense("a pickle of protocol " + std::to_string(protocol));
  } else if (!read_scalar(opcode)) {
    read_container(opcode);
  }
  return true;
}

ValueId PickleReader::read() {
  while (step()) continue;
  if (!in_.at_end()) nonsense("a message with bytes behind its end");
  if (!marks_.empty() || stack_.size() != 1) nonsense("a pickle that is not one value");
  return stack_.front();
}

std::vector<ValueId> PickleReader::read_beginning(std::size_t count) {
  while (marks_.size() != 1 || marks_.front() != 0 || stack_.size() < count) {
    if (!step()) nonsense("a message of fewer than " + std::to_string(count) + " values");
  }
  return {stack_.begin(), stack_.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace zeo
