// As much of pickle as ZEO's answers are written in: protocols 0 to 3, without anything that old and new
// servers have no use for. Classes become their names and objects a list of what they are made from; no code
// is found, called or loaded, and every limit is on this side.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "zeo/byte_reader.h"
#include "zeo/values.h"

namespace zeo {

class PickleReader {
 public:
  // Both must outlive the reader; the values found are added to `values`.
  PickleReader(base::ByteSpan pickle, Values& values) : in_(pickle), values_(values) {}

  // The value of the whole pickle. Error(protocol) if it ends early, has bytes behind its end, an opcode that
  // no server uses, or does not fit together.
  ValueId read();

  // The first `count` members of the tuple that the pickle is, reading no further: the rest need not be
  // there.
  std::vector<ValueId> read_beginning(std::size_t count);

 private:
  bool step();
  bool read_scalar(char opcode);
  bool read_number(char opcode);
  bool read_text(char opcode);
  void read_container(char opcode);
  void read_memo(char opcode);

  void push(Value value) { stack_.push_back(values_.add(std::move(value))); }
  void push_integer(std::int64_t number);
  void push_text(std::string_view text);
  void push_decimal(std::string_view digits);
  void push_object(Value object, std::size_t parts);
  ValueId pop();
  std::vector<ValueId> pop_many(std::size_t count);
  std::vector<ValueId> pop_to_mark();
  void push_sequence(std::vector<ValueId> items);
  void append_to(ValueKind kind, const std::vector<ValueId>& items);
  std::size_t above_mark() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

  ByteReader in_;
  Values& values_;
  std::vector<ValueId> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::unordered_map<std::uint32_t, ValueId> memo_;
};

}  // namespace zeo
