// The few kinds of pickles that an index file consists of, read one value at a time through a small buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "io/env.h"

namespace filestorage {

struct PickledNone {};
struct PickledPair {
  std::string first, second;
  bool python2_only = false;  // strings of Python 2 with a byte over 127
};
using IndexPickle = std::variant<PickledNone, std::uint64_t, PickledPair>;

class IndexPickleReader {
 public:
  // A longer string is taken as damage.
  static constexpr std::size_t kLongestString = 65536 * 8;

  explicit IndexPickleReader(io::File& file) : file_(file) {}

  // The next pickle: None, a number that is not negative, or a pair of byte strings, in protocol 0 to 4, memo
  // opcodes passed over. Empty if it is anything else, or the file ends.
  std::optional<IndexPickle> next();

 private:
  struct Value {
    enum class Kind { none, number, string } kind = Kind::none;
    std::uint64_t number = 0;
    std::string bytes;
    bool python2_only = false;
  };

  bool fill();
  std::optional<std::uint8_t> byte();
  std::optional<std::uint64_t> little_endian(int bytes);
  std::optional<std::uint64_t> long_number(std::uint64_t bytes);
  std::optional<std::uint64_t> decimal();
  bool push_string(std::optional<std::uint64_t> length, bool python2);
  bool push_number(std::optional<std::uint64_t> number);
  bool step(std::uint8_t opcode);

  io::File& file_;
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
  std::uint64_t offset_ = 0;  // in the file, behind the buffer
  std::vector<Value> stack_;  // of the pickle that is being read, two values at most
  bool marked_ = false;       // a mark stands under the stack
  bool paired_ = false;       // the two values have been made a tuple
};

}  // namespace filestorage
