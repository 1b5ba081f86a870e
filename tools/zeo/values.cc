#include "zeo/values.h"

#include <cstdio>
#include <utility>

#include "base/text.h"
#include "zeo/nonsense.h"

namespace zeo {
namespace {

constexpr std::size_t kLongest = 400;
constexpr int kDeepest = 8;

class Describer {
 public:
  explicit Describer(const Values& values) : values_(values) {}

  void add(ValueId id, int depth) {
    const Value& value = values_.at(id);
    switch (value.kind) {
      case ValueKind::none: out_ += "none"; break;
      case ValueKind::boolean: out_ += value.integer != 0 ? "yes" : "no"; break;
      case ValueKind::integer: out_ += std::to_string(value.integer); break;
      case ValueKind::number: add_number(value.number); break;
      case ValueKind::text: add_text(value.text); break;
      case ValueKind::global: out_ += base::quoted(std::string_view(value.text).substr(0, kLongest)); break;
      case ValueKind::sequence:
      case ValueKind::object: add_members(value.items, 1, depth); break;
      case ValueKind::mapping: add_members(value.items, 2, depth); break;
    }
  }

  std::string result() { return std::move(out_); }

 private:
  void add_number(double number) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", number);
    out_ += text;
  }

  void add_text(std::string_view text) {
    out_ += base::quoted(text.substr(0, kLongest));
    if (text.size() > kLongest) out_ += "...";
  }

  // A comma between members, ": " between key and value. Every member adds something to the text, so the
  // limit on its length ends this whatever the values refer to.
  void add_members(const std::vector<ValueId>& items, std::size_t per_member, int depth) {
    if (depth >= kDeepest) {
      out_ += "...";
      return;
    }
    if (depth > 0) out_ += "(";
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (out_.size() > kLongest) {
        out_ += "...";
        break;
      }
      if (i > 0) out_ += i % per_member == 0 ? ", " : ": ";
      add(items[i], depth + 1);
    }
    if (depth > 0) out_ += ")";
  }

  const Values& values_;
  std::string out_;
};

}  // namespace

ValueId Values::add(Value value) {
  if (values_.size() >= kMost) nonsense("a message of more than " + std::to_string(kMost) + " values");
  values_.push_back(std::move(value));
  return static_cast<ValueId>(values_.size() - 1);
}

const Value* Values::find(const Value& mapping, std::string_view key) const {
  if (mapping.kind != ValueKind::mapping) return nullptr;
  for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
    const Value& candidate = at(mapping.items[i]);
    if (candidate.kind == ValueKind::text && candidate.text == key) return &at(mapping.items[i + 1]);
  }
  return nullptr;
}

std::optional<std::uint64_t> Values::find_count(const Value& mapping, std::string_view key) const {
  const Value* value = find(mapping, key);
  if (value == nullptr || value->kind != ValueKind::integer || value->integer < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value->integer);
}

std::string describe(const Values& values, ValueId id) {
  Describer describer(values);
  describer.add(id, 0);
  return describer.result();
}

}  // namespace zeo
