#include "zeo/marshal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/error.h"
#include "zeo/msgpack_reader.h"
#include "zeo/nonsense.h"
#include "zeo/pickle_reader.h"

namespace zeo {
namespace {

constexpr std::size_t kHeadValues = 3;

class Bytes {
 public:
  Bytes& add(char byte) {
    bytes_.push_back(static_cast<std::byte>(byte));
    return *this;
  }
  Bytes& add(std::string_view text) {
    const base::ByteSpan bytes = base::as_bytes(text);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Bytes& add_double(double number) {
    std::array<std::byte, 8> bytes;
    base::store_be(bytes.data(), std::bit_cast<std::uint64_t>(number));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  // As many bytes of the number as asked, the last one first or last.
  Bytes& add_le(std::uint32_t number) {
    for (int shift = 0; shift < 32; shift += 8) add(static_cast<char>(number >> shift & 0xffU));
    return *this;
  }
  Bytes& add_be(std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) add(static_cast<char>(number >> shift & 0xffU));
    return *this;
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

char length_byte(std::string_view text) {
  if (text.size() > 0xff) throw base::Error(base::ErrorKind::usage, "", "", "a name of more than 255 bytes");
  return static_cast<char>(text.size());
}

std::uint32_t small(std::int64_t number) {
  if (number > 0x7fffffff || number < -0x7fffffff - 1)
    throw base::Error(base::ErrorKind::usage, "", "", "a number beyond 31 bits");
  return static_cast<std::uint32_t>(number);
}

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// One visitor for each encoding, with what stands around the arguments.
struct Pickle {
  Bytes& out;
  bool text_is_bytes;
  void operator()(const std::string& text) const {
    const char length = length_byte(text);
    if (text_is_bytes || is_ascii(text))
      out.add('U').add(length).add(text);
    else
      out.add('X').add_le(static_cast<std::uint32_t>(text.size())).add(text);
  }
  void operator()(std::int64_t number) const {
    if (number >= 0 && number <= 0xff)
      out.add('K').add(static_cast<char>(number));
    else
      out.add('J').add_le(small(number));
  }
  void operator()(double number) const { out.add('G').add_double(number); }
  void operator()(bool is_true) const { out.add(is_true ? "I01\n" : "I00\n"); }
  void open(std::size_t count) const { out.add(count == 0 ? ')' : '('); }
  void close(std::size_t count) const {
    if (count != 0) out.add('t');
  }
  void nothing() const { out.add('N'); }
  void end() const { out.add('.'); }
};

struct Msgpack {
  Bytes& out;
  void operator()(const std::string& text) const {
    const char length = length_byte(text);
    if (text.size() < 32)
      out.add(static_cast<char>(0xa0U | text.size()));
    else
      out.add('\xd9').add(length);
    out.add(text);
  }
  void operator()(std::int64_t number) const {
    if (number >= -32 && number < 128)
      out.add(static_cast<char>(number));
    else
      out.add('\xd2').add_be(small(number));
  }
  void operator()(double number) const { out.add('\xcb').add_double(number); }
  void operator()(bool is_true) const { out.add(is_true ? '\xc3' : '\xc2'); }
  void open(std::size_t count) const { out.add(static_cast<char>(0x90U | count)); }
  void close(std::size_t) const {}
  void nothing() const { out.add('\xc0'); }
  void end() const {}
};

template <typename Writer>
void write_request(const Writer& write, std::int64_t id, const std::string& method,
                   const std::vector<Argument>& arguments) {
  write.open(4);
  write(id);
  write(false);
  write(method);
  write.open(arguments.size());
  for (const Argument& argument : arguments) std::visit(write, argument);
  write.close(arguments.size());
  write.close(4);
  write.end();
}

template <typename Writer>
void write_keep_alive(const Writer& write) {
  write.open(4);
  write(kKeepAliveId);
  write(std::int64_t{0});
  write(std::string(kReplyMethod));
  write.nothing();
  write.close(4);
  write.end();
}

MessageHead head_of(const Values& values, const std::vector<ValueId>& ids) {
  const Value& id = values.at(ids[0]);
  const Value& flag = values.at(ids[1]);
  const Value& method = values.at(ids[2]);
  const bool flag_fits = flag.kind == ValueKind::integer || flag.kind == ValueKind::boolean;
  if (id.kind != ValueKind::integer || !flag_fits || method.kind != ValueKind::text)
    nonsense("a message that does not begin with a number, a flag and a name");
  return {id.integer, flag.integer, method.text};
}

}  // namespace

std::vector<std::byte> encode_request(Encoding encoding, std::int64_t id, const std::string& method,
                                      const std::vector<Argument>& arguments) {
  Bytes out;
  if (encoding == Encoding::msgpack)
    write_request(Msgpack{out}, id, method, arguments);
  else
    write_request(Pickle{out, encoding == Encoding::old_pickle}, id, method, arguments);
  return out.take();
}

std::vector<std::byte> encode_keep_alive(Encoding encoding) {
  Bytes out;
  if (encoding == Encoding::msgpack)
    write_keep_alive(Msgpack{out});
  else
    write_keep_alive(Pickle{out, encoding == Encoding::old_pickle});
  return out.take();
}

MessageHead decode_head(Encoding encoding, base::ByteSpan message) {
  Values values;
  const auto ids = encoding == Encoding::msgpack ? MsgpackReader(message, values).read_beginning(kHeadValues)
                                                 : PickleReader(message, values).read_beginning(kHeadValues);
  return head_of(values, ids);
}

Message decode(Encoding encoding, base::ByteSpan bytes) {
  Message message;
  Values& values = message.values;
  const ValueId root = encoding == Encoding::msgpack ? MsgpackReader(bytes, values).read()
                                                     : PickleReader(bytes, values).read();
  const Value& list = values.at(root);
  if (list.kind != ValueKind::sequence || list.items.size() != kHeadValues + 1)
    nonsense("a message that is no list of four");
  message.head = head_of(values, list.items);
  message.content = list.items[kHeadValues];
  return message;
}

}  // namespace zeo
