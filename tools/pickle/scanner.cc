#include "pickle/scanner.h"

#include <algorithm>

#include "pickle/utf8.h"
#include "pickle/walk.h"

namespace pickle {

namespace {

constexpr std::size_t kOidSize = 8;
constexpr std::size_t kFirstCapacity = 1024;

}  // namespace

// A slot is a position in the record, shifted by the bits of what stands there.
struct Scanner::Machine {
  enum Kind : Slot {
    kOther,   // nothing that can matter
    kMark,    // with the index of the floor below it
    kString,  // perhaps an oid: 8 bytes, or a line; with the position of its opcode
    kTuple,   // whose first member is such a string, with that string's position
    kList
  };
  static constexpr unsigned kKindBits = 3;
  static constexpr Slot kKindMask = (1U << kKindBits) - 1;
  static constexpr Slot slot(Kind kind, std::size_t value) { return Slot{value} << kKindBits | kind; }

  Machine(Scanner& owner, base::ByteSpan bytes) : owner_(owner), bytes_(bytes) {
    if (owner_.stack_.empty()) owner_.stack_.resize(kFirstCapacity);
    if (owner_.memo_.empty()) owner_.memo_.resize(kFirstCapacity);
    memo_ = owner_.memo_.data();
    memo_limit_ = owner_.memo_.size();
    restart();
  }

  // Behind a STOP: the stack is empty again, the memo stays.
  void restart() {
    base_ = floor_ = top_ = owner_.stack_.data();
    limit_ = base_ + owner_.stack_.size();
  }

  void constant(Constant) { push(kOther); }
  void integer(std::int64_t) { push(kOther); }
  void long_bytes(base::ByteSpan) { push(kOther); }
  void decimal(base::ByteSpan) { push(kOther); }
  void real(double) { push(kOther); }
  void string(StringKind kind, std::size_t opcode, base::ByteSpan value) {
    switch (kind) {
      case StringKind::bytes:
      case StringKind::python2: push_string(opcode, value); break;
      case StringKind::text:
        if (!is_ascii(base::as_text(value)) && !is_utf8(base::as_text(value))) fail("the text is not UTF-8");
        push_string(opcode, value);
        break;
      case StringKind::python2_line:
        if (!quoted_line(base::as_text(value))) fail("the line is no string");
        push(slot(kString, opcode));
        break;
      case StringKind::text_line:
        if (!raw_unicode_line(base::as_text(value))) fail("the line is no text");
        push(slot(kString, opcode));
        break;
      case StringKind::byte_array: push(kOther); break;
    }
  }

  void empty(Container container) { push(container == Container::list ? kList : kOther); }
  void from_mark(Container container) {
    const Slot* items = floor_;
    const bool any = top_ != items;
    pop_mark();
    if (container == Container::tuple) {
      push(any ? tuple_of(*items) : Slot{kOther});
    } else {
      push(container == Container::list ? kList : kOther);
    }
  }
  void tuple(unsigned members) {
    need(members);
    top_ -= members;
    const Slot first = *top_;
    *top_++ = tuple_of(first);
  }

  void mark() {
    push(slot(kMark, static_cast<std::size_t>(floor_ - base_)));
    floor_ = top_;
  }
  void pop() {
    if (top_ == floor_ && floor_ != base_) return pop_mark();
    need(1);
    --top_;
  }
  void pop_mark() {
    if (floor_ == base_) fail("there is no mark");
    top_ = floor_ - 1;
    floor_ = base_ + (*top_ >> kKindBits);
  }
  void dup() {
    need(1);
    push(top_[-1]);
  }

  void append() {
    need(2);
    --top_;
  }
  void appends() {
    pop_mark();
    need(1);
  }
  void setitem() {
    need(3);
    top_ -= 2;
  }
  void setitems() { appends(); }
  void additems() { appends(); }

  void put(std::uint64_t number) {
    need(1);
    if (number < memo_size_) {
      if (memo_[number] == kEmpty) ++memo_entries_;
      memo_[number] = top_[-1];
    } else if (number == memo_size_ && number < memo_limit_) {
      memo_[memo_size_++] = top_[-1];
      ++memo_entries_;
    } else {
      put_slowly(number);
    }
  }
  void memoize() { put(memo_entries_); }
  void get(std::uint64_t number) {
    if (number < memo_size_ && memo_[number] != kEmpty) return push(memo_[number]);
    const auto found = owner_.far_memo_.find(number);
    if (found == owner_.far_memo_.end()) fail("the memo has no such entry");
    push(found->second);
  }

  void global(base::ByteSpan, base::ByteSpan) { push(kOther); }
  void stack_global() { replace(2); }
  void inst(base::ByteSpan, base::ByteSpan) {
    pop_mark();
    push(kOther);
  }
  void obj() {
    if (floor_ == base_) fail("there is no mark");
    need(1);
    pop_mark();
    push(kOther);
  }
  void reduce() { replace(2); }
  void newobj() { replace(2); }
  void newobj_ex() { replace(3); }
  void build() {
    need(2);
    --top_;
  }
  void extension(std::uint32_t) { push(kOther); }

  void persid(std::size_t, base::ByteSpan line) {
    if (line.size() != kOidSize || !is_ascii(base::as_text(line))) fail("the reference is no oid");
    owner_.oids_.push_back(base::load_be<base::Oid>(line.data()));
    push(kOther);
  }
  void binpersid() {
    need(1);
    const Slot reference = top_[-1];
    top_[-1] = kOther;
    switch (static_cast<Kind>(reference & kKindMask)) {
      case kString:
      case kTuple: owner_.oids_.push_back(oid_at(reference >> kKindBits)); break;
      case kList: break;  // weak, or into another database
      default: fail("the reference is no oid");
    }
  }
  void stop() { need(1); }

 private:
  static constexpr Slot kEmpty = ~Slot{0};  // a place in the memo that was passed over

  void need(std::ptrdiff_t values) const {
    if (top_ - floor_ < values) fail("too few values on the stack");
  }
  void push(Slot value) {
    if (top_ == limit_) grow();
    *top_++ = value;
  }
  void push_string(std::size_t opcode, base::ByteSpan value) {
    push(value.size() == kOidSize ? slot(kString, opcode) : Slot{kOther});
  }
  void replace(std::ptrdiff_t values) {
    need(values);
    top_ -= values;
    *top_++ = kOther;
  }
  // Strings and tuples that begin with one are told apart by their kinds alone.
  static Slot tuple_of(Slot first) {
    return (first & kKindMask) == kString ? (first ^ kString ^ kTuple) : Slot{kOther};
  }

  [[gnu::noinline]] void grow() {
    const auto floor = floor_ - base_;
    const auto top = top_ - base_;
    owner_.stack_.resize(owner_.stack_.size() * 2);
    base_ = owner_.stack_.data();
    limit_ = base_ + owner_.stack_.size();
    floor_ = base_ + floor;
    top_ = base_ + top;
  }

  // Numbers up to the record's size stand in the array, which is as long as the highest of them: no pickler
  // gives a number without having written as many bytes. All others stand in a map.
  [[gnu::noinline]] void put_slowly(std::uint64_t number) {
    if (number >= bytes_.size()) {
      if (owner_.far_memo_.insert_or_assign(number, top_[-1]).second) ++memo_entries_;
      return;
    }
    if (number >= memo_limit_) {
      owner_.memo_.resize(std::max<std::size_t>(memo_limit_ * 2, number + 1));
      memo_ = owner_.memo_.data();
      memo_limit_ = owner_.memo_.size();
    }
    std::fill(memo_ + memo_size_, memo_ + number, kEmpty);
    memo_size_ = number + 1;
    memo_[number] = top_[-1];
    ++memo_entries_;
  }

  // The oid that is written at this position, behind an opcode that string() saw.
  base::Oid oid_at(std::size_t position) const {
    const auto opcode = static_cast<Opcode>(bytes_[position]);
    const base::ByteSpan value = bytes_.subspan(position + 1);
    switch (opcode) {
      case Opcode::short_binbytes:
      case Opcode::short_binstring: return base::load_be<base::Oid>(value.data() + 1);
      case Opcode::binbytes:
      case Opcode::binstring: return base::load_be<base::Oid>(value.data() + 4);
      case Opcode::binbytes8: return base::load_be<base::Oid>(value.data() + 8);
      case Opcode::short_binunicode: return ascii_oid(value.subspan(1));
      case Opcode::binunicode: return ascii_oid(value.subspan(4));
      case Opcode::binunicode8: return ascii_oid(value.subspan(8));
      default: return line_oid(opcode, value);
    }
  }
  static base::Oid ascii_oid(base::ByteSpan text) {
    if (text.size() < kOidSize || !is_ascii(base::as_text(text.first(kOidSize))))
      fail("the reference is no oid");
    return base::load_be<base::Oid>(text.data());
  }
  static base::Oid line_oid(Opcode opcode, base::ByteSpan value) {
    Operands operands(value, 0);
    const std::string_view line = base::as_text(operands.line());
    const auto text = opcode == Opcode::string ? quoted_line(line) : raw_unicode_line(line);
    if (!text || text->size() != kOidSize) fail("the reference is no oid");
    const base::ByteSpan bytes = base::as_bytes(*text);
    return opcode == Opcode::string ? base::load_be<base::Oid>(bytes.data()) : ascii_oid(bytes);
  }

  Scanner& owner_;
  base::ByteSpan bytes_;
  Slot* base_ = nullptr;   // of the stack
  Slot* floor_ = nullptr;  // behind the last mark
  Slot* top_ = nullptr;    // the first free
  Slot* limit_ = nullptr;
  Slot* memo_ = nullptr;
  std::size_t memo_size_ = 0, memo_limit_ = 0;
  std::uint64_t memo_entries_ = 0;  // without the places passed over
};

std::span<const base::Oid> Scanner::strong(base::ByteSpan record) {
  oids_.clear();
  far_memo_.clear();
  Machine machine(*this, record);
  const std::size_t state = walk(record, 0, machine);
  machine.restart();
  walk(record, state, machine);
  return oids_;
}

}  // namespace pickle
