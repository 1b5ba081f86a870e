// The values of pickles as a graph of nodes, for showing and exporting them: nothing is executed, a class or
// a function is only its name, an object is the recipe by which it would be made. json.h writes them.
//
//   pickle::Values values(data);
//   std::size_t at = 0;
//   const pickle::NodeId class_pickle = values.read(at);  // `at` is behind it now
//   const pickle::NodeId state = values.read(at);         // the memo is shared
//
// The nodes stand in arrays and name each other by number: a value may contain itself, and nesting of any
// depth costs no stack, neither here nor at the end. Memory: at most about 100 bytes for each byte of the
// pickles.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/utc_time.h"

namespace pickle {

using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = ~NodeId{0};

enum class NodeKind : std::uint8_t {
  none,
  true_value,
  false_value,
  integer,      // Node::integer
  big_integer,  // Node::text: decimal digits, perhaps with a sign
  real,         // Node::real
  python2,      // Node::text: the bytes of a str of Python 2
  bytes,        // Node::text
  byte_array,   // Node::text
  text,         // Node::text: UTF-8, in which surrogates may stand like other characters
  tuple,
  list,
  set,
  frozenset,  // Node::items
  dict,       // Node::items: key, value, key, value ...
  global,     // Node::text: a class or function, "module.name"
  object,     // Node::object
  reference,  // Node::reference
  extension   // Node::integer: the code
};

// A row of values: cells of Values::cell(), from `first` on.
struct Chain {
  static constexpr std::uint32_t kEnd = ~std::uint32_t{0};
  std::uint32_t first = kEnd, last = kEnd;
  bool empty() const { return first == kEnd; }
};
struct Cell {
  NodeId value;
  std::uint32_t next;
};

struct Node {
  NodeKind kind = NodeKind::none;
  std::uint32_t part = 0;  // number of the object or reference
  Chain items;
  std::string_view text;
  std::int64_t integer = 0;
  double real = 0;
};

// What a call made, and what was done to it afterwards.
struct Object {
  bool made_by_new = false;  // by the class's __new__, otherwise by a call
  NodeId callable = kNoNode;
  Chain arguments;                  // of a tuple of arguments, or
  NodeId other_argument = kNoNode;  // whatever stood in the place of one
  NodeId keywords = kNoNode;        // a dict, as a rule
  Chain items, dict_items;          // added to a list or set, or to a dict (key, value ...)
  NodeId state = kNoNode;           // given to __setstate__
};

enum class ReferenceKind : std::uint8_t {
  strong,
  weak,    // in this or in another database
  other,   // in another database
  unknown  // none of the forms that ZODB writes
};

struct Reference {
  ReferenceKind kind = ReferenceKind::unknown;
  base::Oid oid = 0;
  NodeId database = kNoNode;  // its name, if it is another one
  NodeId class_hint = kNoNode;
  NodeId raw = kNoNode;  // of an unknown one
};

class Values {
 public:
  // `bytes` must outlive this object: strings are not copied.
  explicit Values(base::ByteSpan bytes) : bytes_(bytes) {}
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;

  // The pickle at byte `at`, which moves behind it. corrupt if there is none, or it does what no pickle can
  // mean.
  NodeId read(std::size_t& at);

  const Node& node(NodeId id) const { return nodes_[id]; }
  std::size_t size() const { return nodes_.size(); }
  const Cell& cell(std::uint32_t number) const { return cells_[number]; }
  const Object& object(const Node& node) const { return objects_[node.part]; }
  const Reference& reference(const Node& node) const { return references_[node.part]; }
  // All that were met so far, in order, also those whose values were thrown away again.
  const std::vector<Reference>& references() const { return references_; }
  // The members of a chain.
  std::vector<NodeId> members(Chain chain) const;

 private:
  struct Machine;

  base::ByteSpan bytes_;
  std::vector<Node> nodes_;
  std::vector<Cell> cells_;
  std::vector<Object> objects_;
  std::vector<Reference> references_;
  std::deque<std::string> decoded_;  // texts that do not stand in the bytes as they are
  std::vector<NodeId> memo_;
  std::unordered_map<std::uint64_t, NodeId> far_memo_;
  std::uint64_t memo_entries_ = 0;
};

}  // namespace pickle
