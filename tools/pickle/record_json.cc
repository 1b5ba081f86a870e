#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "pickle/json.h"
#include "pickle/record_class.h"
#include "pickle/utf8.h"

namespace pickle {

namespace {

std::string hex_list(const std::set<base::Oid>& oids) {
  std::string list = "[";
  for (const base::Oid oid : oids) list += (list.size() > 1 ? ",\"" : "\"") + base::to_hex(oid) + "\"";
  return list + "]";
}

// Names come out of the database: what is no clean text is shown in hex.
std::string name_of(const Node& node) {
  const bool clean = is_utf8(node.text) && !has_surrogates(node.text);
  return json_string(clean ? std::string(node.text) : base::to_hex(base::as_bytes(node.text)));
}

std::string name_of(const RecordClass& found) {
  const std::string name = found.full_name();
  const bool clean = is_utf8(name) && !has_surrogates(name);
  return json_string(clean ? name : base::to_hex(base::as_bytes(name)));
}

// The second of two, if it is not None.
NodeId new_arguments(const Values& values, NodeId class_pickle) {
  const Node& node = values.node(class_pickle);
  if (node.kind != NodeKind::tuple) return kNoNode;
  const std::vector<NodeId> members = values.members(node.items);
  if (members.size() != 2 || values.node(members[1]).kind == NodeKind::none) return kNoNode;
  return members[1];
}

}  // namespace

std::string record_json(base::ByteSpan record, std::size_t limit) {
  Values values(record);
  std::size_t at = 0;
  const NodeId class_pickle = values.read(at);
  const NodeId state = values.read(at);

  std::set<base::Oid> strong, weak;
  std::set<std::pair<std::string, base::Oid>> other;
  for (const Reference& reference : values.references()) {
    if (reference.kind == ReferenceKind::strong) strong.insert(reference.oid);
    if (reference.kind == ReferenceKind::weak && reference.database == kNoNode) weak.insert(reference.oid);
    if (reference.database != kNoNode) other.emplace(name_of(values.node(reference.database)), reference.oid);
  }
  const auto found = class_in(values, class_pickle);
  std::string json = "{\"class\":" + (found ? name_of(*found) : "null");
  json += ",\"class_pickle\":" + to_json(values, class_pickle, limit);
  if (const NodeId arguments = new_arguments(values, class_pickle); arguments != kNoNode)
    json += ",\"newargs\":" + to_json(values, arguments, limit);
  json += ",\"state\":" + to_json(values, state, limit);
  json += ",\"strong_refs\":" + hex_list(strong) + ",\"weak_refs\":" + hex_list(weak) +
          ",\"other_database_refs\":[";
  for (const auto& [name, oid] : other)
    json += (json.back() == '[' ? "[" : ",[") + name + ",\"" + base::to_hex(oid) + "\"]";
  return json + "],\"trailing_bytes\":" + std::to_string(record.size() - at) + "}";
}

}  // namespace pickle
