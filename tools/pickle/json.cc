#include "pickle/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "pickle/utf8.h"

namespace pickle {

namespace {

constexpr std::int64_t kExactInteger = std::int64_t{1} << 53;

class Writer {
 public:
  Writer(const Values& values, std::size_t limit)
      : values_(values), limit_(limit), seen_(values.size()), ids_(values.size()) {}

  std::string write(NodeId root) {
    count(root);
    put(root);
    while (!tasks_.empty()) {
      const Task task = tasks_.back();
      tasks_.pop_back();
      run(task);
      if (out_.size() > limit_) too_long();
    }
    return std::move(out_);
  }

 private:
  // What is still to be written, the next one last.
  struct Task {
    enum class What { words, node, row, pairs } what;
    const char* words = nullptr;
    std::uint32_t number = 0;  // of the node, or of a chain's next cell
    bool first = true;         // of a row
  };

  [[noreturn]] static void too_long() {
    throw base::Error(base::ErrorKind::unsupported, "write JSON", "", "the value is too long");
  }

  void put_words(const char* words) { tasks_.push_back({Task::What::words, words}); }
  void put(NodeId node) { tasks_.push_back({Task::What::node, nullptr, node}); }
  void put_row(Chain chain) {
    put_words("]");
    tasks_.push_back({Task::What::row, nullptr, chain.first});
    put_words("[");
  }
  void put_pairs(Chain chain) {
    put_words("]");
    tasks_.push_back({Task::What::pairs, nullptr, chain.first});
    put_words("[");
  }

  void run(const Task& task) {
    switch (task.what) {
      case Task::What::words: out_ += task.words; break;
      case Task::What::node: write_node(task.number); break;
      case Task::What::row:
        if (task.number == Chain::kEnd) break;
        if (!task.first) out_ += ',';
        tasks_.push_back({Task::What::row, nullptr, values_.cell(task.number).next, false});
        put(values_.cell(task.number).value);
        break;
      case Task::What::pairs: {
        if (task.number == Chain::kEnd) break;
        if (!task.first) out_ += ',';
        const Cell& key = values_.cell(task.number);
        const Cell& value = values_.cell(key.next);
        tasks_.push_back({Task::What::pairs, nullptr, value.next, false});
        put_words("]");
        put(value.value);
        put_words(",");
        put(key.value);
        put_words("[");
        break;
      }
    }
  }

  // Whether a second occurrence is written as {"same_as": n}.
  static bool has_identity(const Node& node) {
    switch (node.kind) {
      case NodeKind::tuple: return !node.items.empty();
      case NodeKind::list:
      case NodeKind::dict:
      case NodeKind::set:
      case NodeKind::frozenset:
      case NodeKind::object:
      case NodeKind::byte_array: return true;
      default: return false;
    }
  }

  // How often each node will be met, at most 2. What has no identity is written each time, and so is what it
  // contains; so a node is gone into twice at most.
  void count(NodeId root) {
    std::vector<NodeId> open = {root};
    const auto chain = [&](Chain items) {
      for (std::uint32_t at = items.first; at != Chain::kEnd; at = values_.cell(at).next)
        open.push_back(values_.cell(at).value);
    };
    const auto one = [&](NodeId id) {
      if (id != kNoNode) open.push_back(id);
    };
    while (!open.empty()) {
      const NodeId id = open.back();
      open.pop_back();
      if (seen_[id] == 2) continue;
      const Node& node = values_.node(id);
      if (++seen_[id] == 2 && has_identity(node)) continue;
      if (node.kind == NodeKind::reference) {
        one(values_.reference(node).class_hint);
        one(values_.reference(node).raw);
      } else if (node.kind == NodeKind::object) {
        const Object& object = values_.object(node);
        one(object.callable);
        chain(object.arguments);
        one(object.other_argument);
        if (is_dict(object.keywords)) {
          chain(values_.node(object.keywords).items);
        } else {
          one(object.keywords);
        }
        chain(object.items);
        chain(object.dict_items);
        one(object.state);
      } else {
        chain(node.items);
      }
    }
  }

  bool is_dict(NodeId id) const { return id != kNoNode && values_.node(id).kind == NodeKind::dict; }

  void write_node(NodeId id) {
    const Node& node = values_.node(id);
    if (has_identity(node) && seen_[id] == 2) {
      if (ids_[id] != 0) {
        out_ += "{\"same_as\":" + std::to_string(ids_[id]) + "}";
        return;
      }
      ids_[id] = ++last_id_;
      out_ += "{\"id\":" + std::to_string(ids_[id]) + ",\"value\":";
      put_words("}");
    }
    write_form(node);
  }

  void write_form(const Node& node) {
    switch (node.kind) {
      case NodeKind::none: out_ += "null"; break;
      case NodeKind::true_value: out_ += "true"; break;
      case NodeKind::false_value: out_ += "false"; break;
      case NodeKind::integer: write_integer(node.integer); break;
      case NodeKind::big_integer: write_quoted("int", node.text); break;
      case NodeKind::real: write_quoted("float", float_repr(node.real)); break;
      case NodeKind::python2:
        if (is_ascii(node.text)) {
          write_quoted("str", node.text);
        } else {
          write_hex("str_hex", node.text);
        }
        break;
      case NodeKind::bytes: write_hex("bytes", node.text); break;
      case NodeKind::byte_array: write_hex("bytearray", node.text); break;
      case NodeKind::text:
        if (has_surrogates(node.text)) {
          write_hex("text_utf16be", utf16be(node.text));
        } else {
          write_text(node.text);
        }
        break;
      case NodeKind::tuple: write_members("{\"tuple\":", node.items); break;
      case NodeKind::set: write_members("{\"set\":", node.items); break;
      case NodeKind::frozenset: write_members("{\"frozenset\":", node.items); break;
      case NodeKind::list: put_row(node.items); break;
      case NodeKind::dict:
        out_ += "{\"dict\":";
        put_words("}");
        put_pairs(node.items);
        break;
      case NodeKind::global: write_global(node.text); break;
      case NodeKind::object: write_object(values_.object(node)); break;
      case NodeKind::reference: write_reference(values_.reference(node)); break;
      case NodeKind::extension: out_ += "{\"extension\":" + std::to_string(node.integer) + "}"; break;
    }
  }

  void write_members(const char* head, Chain items) {
    out_ += head;
    put_words("}");
    put_row(items);
  }

  // Put down from the last word to the first.
  void write_object(const Object& object) {
    put_words("}");
    if (object.state != kNoNode) {
      put(object.state);
      put_words(",\"state\":");
    }
    if (!object.dict_items.empty()) {
      put_pairs(object.dict_items);
      put_words(",\"dictitems\":");
    }
    if (!object.items.empty()) {
      put_row(object.items);
      put_words(",\"items\":");
    }
    if (object.keywords != kNoNode) {
      if (is_dict(object.keywords)) {
        put_pairs(values_.node(object.keywords).items);
      } else {
        put(object.keywords);
      }
      put_words(",\"kwargs\":");
    }
    if (object.other_argument != kNoNode) {
      put(object.other_argument);
    } else {
      put_row(object.arguments);
    }
    put_words(",\"args\":");
    put(object.callable);
    put_words(object.made_by_new ? "{\"new\":" : "{\"call\":");
  }

  void write_reference(const Reference& reference) {
    put_words("}}");
    if (reference.kind == ReferenceKind::unknown) {
      out_ += "{\"ref\":{\"kind\":\"unknown\",\"raw\":";
      put(reference.raw);
      return;
    }
    out_ += "{\"ref\":{";
    if (reference.kind == ReferenceKind::weak) out_ += "\"kind\":\"weak\",";
    if (reference.kind == ReferenceKind::other) out_ += "\"kind\":\"other\",";
    out_ += "\"oid\":\"" + base::to_hex(reference.oid) + "\"";
    if (reference.database != kNoNode) {
      out_ += ",\"database\":";
      write_name(values_.node(reference.database));
    }
    if (reference.class_hint != kNoNode) {
      put(reference.class_hint);
      put_words(",\"class\":");
    }
  }

  // A database's name is written alike whichever Python wrote it.
  void write_name(const Node& name) {
    if (name.kind == NodeKind::python2 && is_ascii(name.text)) {
      write_text(name.text);
    } else {
      write_form(name);
    }
  }

  void write_integer(std::int64_t value) {
    if (value > -kExactInteger && value < kExactInteger) {
      out_ += std::to_string(value);
    } else {
      write_quoted("int", std::to_string(value));
    }
  }
  void write_global(std::string_view name) {
    if (has_surrogates(name)) {
      out_ += "{\"global\":";
      write_hex("text_utf16be", utf16be(name));
      out_ += '}';
    } else {
      write_quoted("global", name);
    }
  }
  void write_quoted(const char* key, std::string_view text) {
    out_ += std::string("{\"") + key + "\":";
    write_text(text);
    out_ += '}';
  }
  void write_hex(const char* key, std::string_view bytes) {
    room(bytes.size() * 2);
    out_ += std::string("{\"") + key + "\":\"" + base::to_hex(base::as_bytes(bytes)) + "\"}";
  }
  void write_text(std::string_view text) {
    room(text.size());
    out_ += json_string(text);
  }
  // Before something long is built.
  void room(std::size_t wanted) const {
    if (wanted > limit_ - std::min(limit_, out_.size())) too_long();
  }

  const Values& values_;
  std::size_t limit_;
  std::string out_;
  std::vector<Task> tasks_;
  std::vector<std::uint8_t> seen_;
  std::vector<std::uint32_t> ids_;  // 0: none yet
  std::uint32_t last_id_ = 0;
};

}  // namespace

std::string to_json(const Values& values, NodeId root, std::size_t limit) {
  return Writer(values, limit).write(root);
}

std::string json_string(std::string_view text) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': quoted += "\\\""; break;
      case '\\': quoted += "\\\\"; break;
      case '\n': quoted += "\\n"; break;
      case '\r': quoted += "\\r"; break;
      case '\t': quoted += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          quoted += "\\u00";
          quoted += kDigits[c >> 4];
          quoted += kDigits[c & 0xf];
        } else {
          quoted += c;
        }
    }
  }
  return quoted += '"';
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 32> buffer;
  const auto done =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  std::string_view text(buffer.data(), static_cast<std::size_t>(done.ptr - buffer.data()));
  std::string repr;
  if (text.front() == '-') {
    repr += '-';
    text.remove_prefix(1);
  }
  const std::size_t mark = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(mark + 1)).c_str());
  std::string digits(text.substr(0, 1));
  if (mark > 2) digits += text.substr(2, mark - 2);
  if (exponent < -4 || exponent >= 16) {
    repr += digits.substr(0, 1);
    if (digits.size() > 1) repr += "." + digits.substr(1);
    repr += exponent < 0 ? "e-" : "e+";
    const int size = std::abs(exponent);
    return repr + (size < 10 ? "0" : "") + std::to_string(size);
  }
  if (exponent < 0) return repr + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return repr + digits + std::string(whole - digits.size(), '0') + ".0";
  return repr + digits.substr(0, whole) + "." + digits.substr(whole);
}

}  // namespace pickle
