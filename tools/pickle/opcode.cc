#include "pickle/opcode.h"

#include <array>

namespace pickle {

namespace {

struct Entry {
  std::string_view name;
  int protocol = -1;
};

constexpr std::array<Entry, 256> make_table() {
  std::array<Entry, 256> table{};
  const auto set = [&table](Opcode opcode, std::string_view name, int protocol) {
    table[static_cast<std::uint8_t>(opcode)] = {name, protocol};
  };
  using enum Opcode;
  set(mark, "MARK", 0);
  set(stop, "STOP", 0);
  set(pop, "POP", 0);
  set(dup, "DUP", 0);
  set(float_line, "FLOAT", 0);
  set(int_line, "INT", 0);
  set(long_line, "LONG", 0);
  set(none, "NONE", 0);
  set(persid, "PERSID", 0);
  set(reduce, "REDUCE", 0);
  set(string, "STRING", 0);
  set(unicode, "UNICODE", 0);
  set(append, "APPEND", 0);
  set(build, "BUILD", 0);
  set(global, "GLOBAL", 0);
  set(dict, "DICT", 0);
  set(get, "GET", 0);
  set(inst, "INST", 0);
  set(list, "LIST", 0);
  set(put, "PUT", 0);
  set(setitem, "SETITEM", 0);
  set(tuple, "TUPLE", 0);
  set(pop_mark, "POP_MARK", 1);
  set(binfloat, "BINFLOAT", 1);
  set(binint, "BININT", 1);
  set(binint1, "BININT1", 1);
  set(binint2, "BININT2", 1);
  set(binpersid, "BINPERSID", 1);
  set(binstring, "BINSTRING", 1);
  set(short_binstring, "SHORT_BINSTRING", 1);
  set(binunicode, "BINUNICODE", 1);
  set(empty_list, "EMPTY_LIST", 1);
  set(appends, "APPENDS", 1);
  set(binget, "BINGET", 1);
  set(long_binget, "LONG_BINGET", 1);
  set(binput, "BINPUT", 1);
  set(long_binput, "LONG_BINPUT", 1);
  set(empty_tuple, "EMPTY_TUPLE", 1);
  set(empty_dict, "EMPTY_DICT", 1);
  set(obj, "OBJ", 1);
  set(setitems, "SETITEMS", 1);
  set(proto, "PROTO", 2);
  set(newobj, "NEWOBJ", 2);
  set(ext1, "EXT1", 2);
  set(ext2, "EXT2", 2);
  set(ext4, "EXT4", 2);
  set(tuple1, "TUPLE1", 2);
  set(tuple2, "TUPLE2", 2);
  set(tuple3, "TUPLE3", 2);
  set(newtrue, "NEWTRUE", 2);
  set(newfalse, "NEWFALSE", 2);
  set(long1, "LONG1", 2);
  set(long4, "LONG4", 2);
  set(binbytes, "BINBYTES", 3);
  set(short_binbytes, "SHORT_BINBYTES", 3);
  set(short_binunicode, "SHORT_BINUNICODE", 4);
  set(binunicode8, "BINUNICODE8", 4);
  set(binbytes8, "BINBYTES8", 4);
  set(empty_set, "EMPTY_SET", 4);
  set(additems, "ADDITEMS", 4);
  set(frozenset, "FROZENSET", 4);
  set(newobj_ex, "NEWOBJ_EX", 4);
  set(stack_global, "STACK_GLOBAL", 4);
  set(memoize, "MEMOIZE", 4);
  set(frame, "FRAME", 4);
  set(bytearray8, "BYTEARRAY8", 5);
  set(next_buffer, "NEXT_BUFFER", 5);
  set(readonly_buffer, "READONLY_BUFFER", 5);
  return table;
}

constexpr std::array<Entry, 256> kTable = make_table();

}  // namespace

std::string_view name_of(Opcode opcode) {
  return kTable[static_cast<std::uint8_t>(opcode)].name;
}

int protocol_of(Opcode opcode) {
  return kTable[static_cast<std::uint8_t>(opcode)].protocol;
}

}  // namespace pickle
