// The walk over one pickle: decodes its opcodes and tells each to a machine, which keeps the stack and the
// memo. The scanner and the value reader are two machines; both are compiled into their walk.
//
// A machine has these members (a span stays valid as long as the pickle's bytes):
//
//   constant(Constant)                   None, True, False
//   integer(int64)                       long_bytes(span): two's complement, little-endian
//   decimal(span)                        a line that is a decimal number, perhaps with an L behind
//   real(double)
//   string(StringKind, opcode, span)     `opcode` is the position of the opcode; a line comes undecoded
//   empty(Container)  from_mark(Container)  tuple(1..3)
//   mark()  pop()  pop_mark()  dup()
//   append()  appends()  setitem()  setitems()  additems()
//   put(number)  memoize()  get(number)
//   global(module, name)  stack_global()  inst(module, name)  obj()  reduce()  newobj()  newobj_ex()  build()
//   extension(code)
//   persid(opcode, span)  binpersid()
//   stop()
//
// What breaks off is base::Error of kind corrupt, thrown by fail(). Machines use it too; walk() puts the
// opcode and its position before the reason.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "pickle/literal.h"
#include "pickle/opcode.h"

namespace pickle {

enum class Constant { none, true_value, false_value };
enum class Container { tuple, list, dict, set, frozenset };
enum class StringKind { bytes, byte_array, python2, python2_line, text, text_line };

// Caught by walk().
struct Fault {
  const char* reason;
};
[[noreturn]] void fail(const char* reason);
// `position` is that of the opcode, `bytes` what the position is in.
[[noreturn]] void fail_at(base::ByteSpan bytes, std::size_t position, const char* reason);

inline constexpr int kNewestProtocol = 5;

// Operands, bounded by the end of the bytes.
class Operands {
 public:
  Operands(base::ByteSpan bytes, std::size_t start)
      : begin_(bytes.data()), at_(bytes.data() + start), end_(bytes.data() + bytes.size()) {}

  std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
  // Whether this opcode follows, with room for an operand of one byte.
  bool followed_by(Opcode opcode) const { return end_ - at_ >= 2 && *at_ == static_cast<std::byte>(opcode); }
  std::uint8_t byte() {
    if (at_ == end_) fail("the pickle ends in the middle");
    return std::to_integer<std::uint8_t>(*at_++);
  }
  // Little-endian.
  template <typename T>
  T number() {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  base::ByteSpan take(std::uint64_t length) {
    if (length > static_cast<std::uint64_t>(end_ - at_)) fail("a length reaches over the end");
    const base::ByteSpan taken(at_, static_cast<std::size_t>(length));
    at_ += length;
    return taken;
  }
  // Up to the next newline, which is passed over.
  base::ByteSpan line() {
    const auto room = static_cast<std::size_t>(end_ - at_);
    const auto* newline = room == 0 ? nullptr : static_cast<const std::byte*>(std::memchr(at_, '\n', room));
    if (newline == nullptr) fail("a line does not end");
    const base::ByteSpan taken(at_, newline);
    at_ = newline + 1;
    return taken;
  }

 private:
  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
};

// Checks a protocol 0 line and tells it.
template <typename Machine>
void int_line(base::ByteSpan line, LongSuffix suffix, Machine& machine) {
  const std::string_view text = base::as_text(line);
  if (suffix == LongSuffix::refused && text == "00") return machine.constant(Constant::false_value);
  if (suffix == LongSuffix::refused && text == "01") return machine.constant(Constant::true_value);
  if (!decimal_line(text, suffix)) fail("the line is no number");
  machine.decimal(line);
}

template <typename Machine>
void float_line(base::ByteSpan line, Machine& machine) {
  const auto value = float_line(base::as_text(line));
  if (!value) fail("the line is no number");
  machine.real(*value);
}

inline std::uint64_t memo_number(base::ByteSpan line) {
  const auto number = memo_line(base::as_text(line));
  if (!number) fail("the line is no number");
  return *number;
}

inline double big_endian_double(base::ByteSpan bytes) {
  return std::bit_cast<double>(base::load_be<std::uint64_t>(bytes.data()));
}

// The pickle at byte `start`. Returns the position behind its STOP.
template <typename Machine>
std::size_t walk(base::ByteSpan bytes, std::size_t start, Machine& machine) {
  Operands in(bytes, start);
  std::size_t at = start;
  try {
    for (;;) {
      at = in.position();
      switch (static_cast<Opcode>(in.byte())) {
        case Opcode::mark: machine.mark(); break;
        case Opcode::stop: machine.stop(); return in.position();
        case Opcode::pop: machine.pop(); break;
        case Opcode::pop_mark: machine.pop_mark(); break;
        case Opcode::dup: machine.dup(); break;

        case Opcode::none: machine.constant(Constant::none); break;
        case Opcode::newtrue: machine.constant(Constant::true_value); break;
        case Opcode::newfalse: machine.constant(Constant::false_value); break;
        case Opcode::int_line: int_line(in.line(), LongSuffix::refused, machine); break;
        case Opcode::long_line: int_line(in.line(), LongSuffix::allowed, machine); break;
        case Opcode::binint: machine.integer(in.number<std::int32_t>()); break;
        case Opcode::binint1: machine.integer(in.byte()); break;
        case Opcode::binint2: machine.integer(in.number<std::uint16_t>()); break;
        case Opcode::long1: machine.long_bytes(in.take(in.byte())); break;
        case Opcode::long4: {
          const auto length = in.number<std::int32_t>();
          if (length < 0) fail("a length is negative");
          machine.long_bytes(in.take(static_cast<std::uint64_t>(length)));
          break;
        }
        case Opcode::float_line: float_line(in.line(), machine); break;
        case Opcode::binfloat: machine.real(big_endian_double(in.take(8))); break;

        case Opcode::string: machine.string(StringKind::python2_line, at, in.line()); break;
        case Opcode::short_binstring: machine.string(StringKind::python2, at, in.take(in.byte())); break;
        case Opcode::binstring: {
          const auto length = in.number<std::int32_t>();
          if (length < 0) fail("a length is negative");
          machine.string(StringKind::python2, at, in.take(static_cast<std::uint64_t>(length)));
          break;
        }
        case Opcode::short_binbytes: machine.string(StringKind::bytes, at, in.take(in.byte())); break;
        case Opcode::binbytes:
          machine.string(StringKind::bytes, at, in.take(in.number<std::uint32_t>()));
          break;
        case Opcode::binbytes8:
          machine.string(StringKind::bytes, at, in.take(in.number<std::uint64_t>()));
          break;
        case Opcode::bytearray8:
          machine.string(StringKind::byte_array, at, in.take(in.number<std::uint64_t>()));
          break;
        case Opcode::unicode: machine.string(StringKind::text_line, at, in.line()); break;
        case Opcode::short_binunicode: machine.string(StringKind::text, at, in.take(in.byte())); break;
        case Opcode::binunicode:
          machine.string(StringKind::text, at, in.take(in.number<std::uint32_t>()));
          break;
        case Opcode::binunicode8:
          machine.string(StringKind::text, at, in.take(in.number<std::uint64_t>()));
          break;

        case Opcode::empty_tuple: machine.empty(Container::tuple); break;
        case Opcode::empty_list: machine.empty(Container::list); break;
        case Opcode::empty_dict: machine.empty(Container::dict); break;
        case Opcode::empty_set: machine.empty(Container::set); break;
        case Opcode::tuple: machine.from_mark(Container::tuple); break;
        case Opcode::list: machine.from_mark(Container::list); break;
        case Opcode::dict: machine.from_mark(Container::dict); break;
        case Opcode::frozenset: machine.from_mark(Container::frozenset); break;
        case Opcode::tuple1: machine.tuple(1); break;
        case Opcode::tuple2: machine.tuple(2); break;
        case Opcode::tuple3: machine.tuple(3); break;
        case Opcode::append: machine.append(); break;
        case Opcode::appends: machine.appends(); break;
        case Opcode::setitem: machine.setitem(); break;
        case Opcode::setitems: machine.setitems(); break;
        case Opcode::additems: machine.additems(); break;

        case Opcode::put: machine.put(memo_number(in.line())); break;
        case Opcode::binput: machine.put(in.byte()); break;
        case Opcode::long_binput: machine.put(in.number<std::uint32_t>()); break;
        case Opcode::memoize: machine.memoize(); break;
        case Opcode::get: machine.get(memo_number(in.line())); break;
        case Opcode::binget: machine.get(in.byte()); break;
        case Opcode::long_binget: machine.get(in.number<std::uint32_t>()); break;

        case Opcode::global: {
          const base::ByteSpan module = in.line();
          machine.global(module, in.line());
          break;
        }
        case Opcode::inst: {
          const base::ByteSpan module = in.line();
          machine.inst(module, in.line());
          break;
        }
        case Opcode::stack_global: machine.stack_global(); break;
        case Opcode::obj: machine.obj(); break;
        case Opcode::reduce: machine.reduce(); break;
        case Opcode::newobj: machine.newobj(); break;
        case Opcode::newobj_ex: machine.newobj_ex(); break;
        case Opcode::build: machine.build(); break;
        case Opcode::ext1: machine.extension(in.byte()); break;
        case Opcode::ext2: machine.extension(in.number<std::uint16_t>()); break;
        case Opcode::ext4: machine.extension(in.number<std::uint32_t>()); break;

        case Opcode::persid: machine.persid(at, in.line()); break;
        case Opcode::binpersid: machine.binpersid(); break;

        case Opcode::proto:
          if (in.byte() > kNewestProtocol) fail("the protocol is newer than 5");
          break;
        case Opcode::frame: in.take(8); break;
        case Opcode::readonly_buffer: break;
        case Opcode::next_buffer: fail("the value is kept outside of the pickle");
        default: fail("this is no opcode");
      }
      // Behind most values: without the jump through the table.
      while (in.followed_by(Opcode::binput)) {
        at = in.position();
        in.byte();
        machine.put(in.byte());
      }
    }
  } catch (const Fault& fault) {
    fail_at(bytes, at, fault.reason);
  }
}

}  // namespace pickle
