// What a server's message says, as plain values: numbers, texts, lists of values. Classes are names here, and
// the objects made from them a list of what they would have been made from; nothing is ever called.
//
// The values of one message lie in one table and refer to each other by number, so that a message which
// repeats or contains itself costs no more than its bytes. Such a one can be endless to walk: describe() is
// not.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zeo {

using ValueId = std::uint32_t;

enum class ValueKind { none, boolean, integer, number, text, sequence, mapping, global, object };

struct Value {
  ValueKind kind = ValueKind::none;
  std::int64_t integer = 0;  // of an integer; of a boolean 0 or 1
  double number = 0;
  std::string text;  // characters or bytes, which old servers do not tell apart; "module.name" of a global
  std::vector<ValueId> items;  // a sequence's members; a mapping's keys and values in turn; of an object
                               // the callable, its arguments, and perhaps a state
};

class Values {
 public:
  // More than an honest answer ever has.
  static constexpr std::size_t kMost = 1 << 16;

  // Error(protocol) beyond kMost.
  ValueId add(Value value);
  const Value& at(ValueId id) const { return values_.at(id); }
  Value& at(ValueId id) { return values_.at(id); }
  std::size_t size() const { return values_.size(); }

  // The value of a key that is text; nothing if this is no mapping or has no such key.
  const Value* find(const Value& mapping, std::string_view key) const;
  // A whole number that is not negative; empty for anything else.
  std::optional<std::uint64_t> find_count(const Value& mapping, std::string_view key) const;

 private:
  std::deque<Value> values_;  // a deque, so that a Value stays where it is while others are added
};

// The value on one line for people: text in quotes, members between commas; at most about 400 characters and
// eight lists deep, "..." for the rest.
std::string describe(const Values& values, ValueId id);

}  // namespace zeo
