#include "pickle/values.h"

#include <algorithm>
#include <limits>

#include "pickle/big_integer.h"
#include "pickle/utf8.h"
#include "pickle/walk.h"

namespace pickle {

namespace {

constexpr std::size_t kOidSize = 8;

}  // namespace

struct Values::Machine {
  explicit Machine(Values& owner) : v_(owner) {}

  NodeId result = kNoNode;

  void constant(Constant constant) {
    switch (constant) {
      case Constant::none: push_new(NodeKind::none); break;
      case Constant::true_value: push_new(NodeKind::true_value); break;
      case Constant::false_value: push_new(NodeKind::false_value); break;
    }
  }
  void integer(std::int64_t value) { push_new(NodeKind::integer).integer = value; }
  void long_bytes(base::ByteSpan bytes) {
    if (bytes.size() > kLongestInteger) fail("the number is too long");
    if (const auto small = small_integer(bytes)) return integer(*small);
    push_new(NodeKind::big_integer).text = keep(decimal_digits(bytes));
  }
  void decimal(base::ByteSpan line) {
    if (line.size() > kLongestDecimal) fail("the number is too long");
    const std::string digits = *decimal_line(base::as_text(line), LongSuffix::allowed);
    if (const auto small = small_integer(digits)) return integer(*small);
    push_new(NodeKind::big_integer).text = keep(digits);
  }
  void real(double value) { push_new(NodeKind::real).real = value; }
  void string(StringKind kind, std::size_t, base::ByteSpan value) {
    const std::string_view text = base::as_text(value);
    switch (kind) {
      case StringKind::bytes: push_new(NodeKind::bytes).text = text; break;
      case StringKind::byte_array: push_new(NodeKind::byte_array).text = text; break;
      case StringKind::python2: push_new(NodeKind::python2).text = text; break;
      case StringKind::python2_line: {
        auto decoded = quoted_line(text);
        if (!decoded) fail("the line is no string");
        push_new(NodeKind::python2).text = keep(std::move(*decoded));
        break;
      }
      case StringKind::text:
        if (!is_utf8(text)) fail("the text is not UTF-8");
        push_new(NodeKind::text).text = text;
        break;
      case StringKind::text_line: {
        auto decoded = raw_unicode_line(text);
        if (!decoded) fail("the line is no text");
        push_new(NodeKind::text).text = keep(std::move(*decoded));
        break;
      }
    }
  }

  void empty(Container container) { push_new(kind_of(container)); }
  void from_mark(Container container) {
    const Chain items = take_to_mark();
    if (container == Container::dict) need_pairs(items);
    push_new(kind_of(container)).items = items;
  }
  void tuple(unsigned members) {
    need(members);
    Chain items;
    for (std::size_t i = stack_.size() - members; i < stack_.size(); ++i) add(items, stack_[i]);
    stack_.resize(stack_.size() - members);
    push_new(NodeKind::tuple).items = items;
  }

  void mark() { marks_.push_back(stack_.size()); }
  void pop() {
    if (!marks_.empty() && stack_.size() == marks_.back()) {
      marks_.pop_back();
      return;
    }
    take();
  }
  void pop_mark() {
    need_mark();
    stack_.resize(marks_.back());
    marks_.pop_back();
  }
  void dup() { stack_.push_back(top()); }

  void append() {
    Chain one;
    add(one, take());
    add_items(one);
  }
  void appends() { add_items(take_to_mark()); }
  void additems() { add_items(take_to_mark()); }
  void setitem() {
    need(2);
    Chain pair;
    add(pair, stack_[stack_.size() - 2]);
    add(pair, stack_.back());
    stack_.resize(stack_.size() - 2);
    add_dict_items(pair);
  }
  void setitems() {
    const Chain items = take_to_mark();
    need_pairs(items);
    add_dict_items(items);
  }

  // As in the scanner: numbers up to the size of the bytes stand in an array.
  void put(std::uint64_t number) {
    const NodeId value = top();
    if (number >= v_.bytes_.size()) {
      if (v_.far_memo_.insert_or_assign(number, value).second) ++v_.memo_entries_;
      return;
    }
    if (number >= v_.memo_.size()) v_.memo_.resize(number + 1, kNoNode);
    if (v_.memo_[number] == kNoNode) ++v_.memo_entries_;
    v_.memo_[number] = value;
  }
  void memoize() { put(v_.memo_entries_); }
  void get(std::uint64_t number) {
    if (number < v_.memo_.size() && v_.memo_[number] != kNoNode) {
      stack_.push_back(v_.memo_[number]);
      return;
    }
    const auto found = v_.far_memo_.find(number);
    if (found == v_.far_memo_.end()) fail("the memo has no such entry");
    stack_.push_back(found->second);
  }

  void global(base::ByteSpan module, base::ByteSpan name) {
    push_global(base::as_text(module), base::as_text(name));
  }
  void stack_global() {
    need(2);
    const Node& name = v_.nodes_[stack_.back()];
    const Node& module = v_.nodes_[stack_[stack_.size() - 2]];
    for (const Node* node : {&module, &name}) {
      if (node->kind != NodeKind::text && node->kind != NodeKind::python2) fail("the name is no text");
    }
    stack_.resize(stack_.size() - 2);
    push_global(module.text, name.text);
  }
  void inst(base::ByteSpan module, base::ByteSpan name) {
    const Chain arguments = take_to_mark();
    global(module, name);
    Object object;
    object.callable = take();
    object.arguments = arguments;
    push_object(object);
  }
  void obj() {
    need_mark();
    if (stack_.size() == marks_.back()) fail("too few values on the stack");
    Object object;
    object.callable = stack_[marks_.back()];
    for (std::size_t i = marks_.back() + 1; i < stack_.size(); ++i) add(object.arguments, stack_[i]);
    pop_mark();
    push_object(object);
  }
  void reduce() { make(false); }
  void newobj() { make(true); }
  void newobj_ex() {
    const NodeId keywords = take();
    make(true);
    v_.objects_.back().keywords = keywords;
  }
  void build() {
    const NodeId state = take();
    object_on_top("a state is given to what is no object").state = state;
  }
  void extension(std::uint32_t code) { push_new(NodeKind::extension).integer = code; }

  void persid(std::size_t, base::ByteSpan line) {
    const std::string_view text = base::as_text(line);
    if (!is_ascii(text)) fail("the reference is no ASCII text");
    push_new(NodeKind::text).text = text;
    binpersid();
  }
  void binpersid();
  void stop() { result = take(); }

 private:
  static NodeKind kind_of(Container container) {
    switch (container) {
      case Container::tuple: return NodeKind::tuple;
      case Container::list: return NodeKind::list;
      case Container::dict: return NodeKind::dict;
      case Container::set: return NodeKind::set;
      case Container::frozenset: return NodeKind::frozenset;
    }
    return NodeKind::none;
  }

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  void need(std::size_t values) const {
    if (stack_.size() - floor() < values) fail("too few values on the stack");
  }
  void need_mark() const {
    if (marks_.empty()) fail("there is no mark");
  }
  NodeId top() const {
    need(1);
    return stack_.back();
  }
  NodeId take() {
    const NodeId id = top();
    stack_.pop_back();
    return id;
  }
  Chain take_to_mark() {
    need_mark();
    Chain chain;
    for (std::size_t i = marks_.back(); i < stack_.size(); ++i) add(chain, stack_[i]);
    pop_mark();
    return chain;
  }

  Node& push_new(NodeKind kind) {
    if (v_.nodes_.size() >= kNoNode) fail("there are too many values");
    stack_.push_back(static_cast<NodeId>(v_.nodes_.size()));
    Node& node = v_.nodes_.emplace_back();
    node.kind = kind;
    return node;
  }
  void push_object(const Object& object) {
    push_new(NodeKind::object).part = static_cast<std::uint32_t>(v_.objects_.size());
    v_.objects_.push_back(object);
  }
  void push_global(std::string_view module, std::string_view name) {
    if (!is_utf8(module) || !is_utf8(name)) fail("the name is not UTF-8");
    std::string full(module);
    push_new(NodeKind::global).text = keep(full.append(1, '.').append(name));
    v_.nodes_.back().integer = static_cast<std::int64_t>(module.size());
  }
  std::string_view keep(std::string text) { return v_.decoded_.emplace_back(std::move(text)); }

  void add(Chain& chain, NodeId value) {
    const auto number = static_cast<std::uint32_t>(v_.cells_.size());
    if (number == Chain::kEnd) fail("there are too many values");
    v_.cells_.push_back({value, Chain::kEnd});
    (chain.empty() ? chain.first : v_.cells_[chain.last].next) = number;
    chain.last = number;
  }
  void join(Chain& chain, Chain more) {
    if (more.empty()) return;
    (chain.empty() ? chain.first : v_.cells_[chain.last].next) = more.first;
    chain.last = more.last;
  }
  void need_pairs(Chain chain) const {
    bool odd = false;
    for (std::uint32_t at = chain.first; at != Chain::kEnd; at = v_.cells_[at].next) odd = !odd;
    if (odd) fail("a key has no value");
  }

  Object& object_on_top(const char* otherwise) {
    const Node& node = v_.nodes_[top()];
    if (node.kind != NodeKind::object) fail(otherwise);
    return v_.objects_[node.part];
  }
  void add_items(Chain items) {
    Node& target = v_.nodes_[top()];
    if (target.kind == NodeKind::list || target.kind == NodeKind::set) {
      join(target.items, items);
    } else {
      join(object_on_top("values are added to what is no list").items, items);
    }
  }
  void add_dict_items(Chain items) {
    Node& target = v_.nodes_[top()];
    if (target.kind == NodeKind::dict) {
      join(target.items, items);
    } else {
      join(object_on_top("keys are set in what is no dict").dict_items, items);
    }
  }
  void make(bool by_new) {
    need(2);
    Object object;
    object.made_by_new = by_new;
    const NodeId arguments = take();
    object.callable = take();
    if (v_.nodes_[arguments].kind == NodeKind::tuple) {
      object.arguments = v_.nodes_[arguments].items;
    } else {
      object.other_argument = arguments;
    }
    push_object(object);
  }

  // 8 bytes, as a reference holds them.
  bool is_oid(NodeId id) const {
    const Node& node = v_.nodes_[id];
    if (node.text.size() != kOidSize) return false;
    return node.kind == NodeKind::bytes || node.kind == NodeKind::python2 ||
           (node.kind == NodeKind::text && is_ascii(node.text));
  }
  base::Oid oid(NodeId id) const {
    return base::load_be<base::Oid>(base::as_bytes(v_.nodes_[id].text).data());
  }
  bool is_text(NodeId id) const {
    return v_.nodes_[id].kind == NodeKind::text || v_.nodes_[id].kind == NodeKind::python2;
  }
  // The first members of a chain, up to four.
  std::vector<NodeId> few(Chain chain) const;
  bool listed(Reference& reference, const std::vector<NodeId>& members) const;

  Values& v_;
  std::vector<NodeId> stack_;
  std::vector<std::size_t> marks_;
};

std::vector<NodeId> Values::Machine::few(Chain chain) const {
  std::vector<NodeId> members;
  for (std::uint32_t at = chain.first; at != Chain::kEnd && members.size() < 4; at = v_.cells_[at].next)
    members.push_back(v_.cells_[at].value);
  return members;
}

// The forms that are lists; false if it is none of them.
bool Values::Machine::listed(Reference& reference, const std::vector<NodeId>& members) const {
  if (members.size() == 1 && is_oid(members[0])) {
    reference.kind = ReferenceKind::weak;
    reference.oid = oid(members[0]);
    return true;
  }
  if (members.size() != 2 || !is_text(members[0]) || v_.nodes_[members[1]].kind != NodeKind::tuple)
    return false;
  const std::string_view letter = v_.nodes_[members[0]].text;
  const std::vector<NodeId> parts = few(v_.nodes_[members[1]].items);
  if (letter == "w" && (parts.size() == 1 || (parts.size() == 2 && is_text(parts[1]))) && is_oid(parts[0])) {
    reference.kind = ReferenceKind::weak;
    reference.oid = oid(parts[0]);
    if (parts.size() == 2) reference.database = parts[1];
    return true;
  }
  const std::size_t wanted = letter == "n" ? 2 : letter == "m" ? 3 : 0;
  if (wanted == 0 || parts.size() != wanted || !is_text(parts[0]) || !is_oid(parts[1])) return false;
  reference.kind = ReferenceKind::other;
  reference.database = parts[0];
  reference.oid = oid(parts[1]);
  if (wanted == 3) reference.class_hint = parts[2];
  return true;
}

void Values::Machine::binpersid() {
  const NodeId value = take();
  Reference reference;
  const Node& node = v_.nodes_[value];
  const std::vector<NodeId> members = few(node.items);
  if (is_oid(value)) {
    reference.kind = ReferenceKind::strong;
    reference.oid = oid(value);
  } else if (node.kind == NodeKind::tuple && !members.empty() && is_oid(members[0])) {
    reference.kind = ReferenceKind::strong;
    reference.oid = oid(members[0]);
    if (members.size() > 1) reference.class_hint = members[1];
  } else if (node.kind != NodeKind::list || !listed(reference, members)) {
    reference.raw = value;
  }
  push_new(NodeKind::reference).part = static_cast<std::uint32_t>(v_.references_.size());
  v_.references_.push_back(reference);
}

NodeId Values::read(std::size_t& at) {
  Machine machine(*this);
  at = walk(bytes_, at, machine);
  return machine.result;
}

std::vector<NodeId> Values::members(Chain chain) const {
  std::vector<NodeId> members;
  for (std::uint32_t at = chain.first; at != Chain::kEnd; at = cells_[at].next)
    members.push_back(cells_[at].value);
  return members;
}

}  // namespace pickle
