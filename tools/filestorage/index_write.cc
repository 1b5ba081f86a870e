#include <array>
#include <string>
#include <utility>

#include "base/error.h"
#include "filestorage/index_file.h"

namespace filestorage {

namespace {

constexpr std::uint64_t kPositionLimit = std::uint64_t{1} << 48;
constexpr std::size_t kFlushAt = 1 << 20;

// The last `count` bytes of the big-endian form of `value`.
void append_be(std::string& text, std::uint64_t value, int count) {
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
}
void append_le(std::string& text, std::uint64_t value, int count) {
  for (int shift = 0; shift < 8 * count; shift += 8) text += static_cast<char>(value >> shift & 0xff);
}

class Writer {
 public:
  Writer(io::File& target, IndexDialect dialect, IndexStrings strings)
      : target_(target), dialect_(dialect), strings_(strings) {}

  void position(std::uint64_t value) {
    head();
    if (dialect_ == IndexDialect::protocol1) {
      text_ += 'L' + std::to_string(value) + "L\n";
    } else if (dialect_ == IndexDialect::protocol1_after_pack && value >= 0x80000000) {
      text_ += 'I' + std::to_string(value) + "\n";
    } else {
      integer(value);
    }
    text_ += '.';
  }

  // Oids in rising order.
  void entry(Oid oid, std::uint64_t value) {
    if (value >= kPositionLimit) {
      throw base::Error(base::ErrorKind::usage, "write index", target_.path(), "a position is over 2^48");
    }
    if (oid >> 16 != prefix_) bucket();
    prefix_ = oid >> 16;
    append_be(keys_, oid, 2);
    append_be(values_, value, 6);
  }

  std::uint64_t finish() {
    bucket();
    head();
    text_ += "N.";
    flush();
    return written_;
  }

 private:
  void head() {
    if (protocol3()) text_ += "\x80\x03";
  }
  bool protocol3() const { return dialect_ == IndexDialect::protocol3; }

  // As pickled by protocol 2 and later; `value` is not negative.
  void integer(std::uint64_t value) {
    if (value < 0x100) {
      text_ += 'K';
      append_le(text_, value, 1);
    } else if (value < 0x10000) {
      text_ += 'M';
      append_le(text_, value, 2);
    } else if (value < 0x80000000) {
      text_ += 'J';
      append_le(text_, value, 4);
    } else {
      int size = 1;
      while (size < 9 && value >> (8 * size - 1) != 0) ++size;  // the highest bit is the sign
      text_ += '\x8a';
      text_ += static_cast<char>(size);
      for (int i = 0; i < size; ++i) text_ += i < 8 ? static_cast<char>(value >> (8 * i) & 0xff) : '\0';
    }
  }

  void string_head(std::size_t size) {
    const bool python3 = strings_ == IndexStrings::python3;
    if (size < 256) {
      text_ += python3 ? 'C' : 'U';
      append_le(text_, size, 1);
    } else {
      text_ += python3 ? 'B' : 'T';
      append_le(text_, size, 4);
    }
  }

  void bucket() {
    if (keys_.empty()) return;
    head();
    if (!protocol3()) text_ += '(';
    string_head(6);
    append_be(text_, prefix_, 6);
    string_head(keys_.size() + values_.size());
    text_ += keys_;
    text_ += values_;
    text_ += protocol3() ? "\x86." : "t.";
    keys_.clear();
    values_.clear();
    if (text_.size() >= kFlushAt) flush();
  }

  void flush() {
    target_.write_full(written_, base::as_bytes(text_));
    written_ += text_.size();
    text_.clear();
  }

  io::File& target_;
  IndexDialect dialect_;
  IndexStrings strings_;
  std::string text_, keys_, values_;
  Oid prefix_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace

IndexForm index_form(bool fs30, io::File* present) {
  if (fs30) return {IndexDialect::protocol3, IndexStrings::python3};
  std::array<std::byte, 1> first{};
  const bool protocol3 =
      present != nullptr && present->read_full(0, first) == first.size() && first[0] == std::byte{0x80};
  return {protocol3 ? IndexDialect::protocol3 : IndexDialect::protocol1, IndexStrings::python2};
}

std::uint64_t write_index(io::File& target, const Index& positions, std::uint64_t position,
                          IndexDialect dialect, IndexStrings strings) {
  Writer writer(target, dialect, strings);
  writer.position(position);
  positions.for_each([&writer](Oid oid, std::uint64_t value) { writer.entry(oid, value); });
  return writer.finish();
}

}  // namespace filestorage
