#include "pickle/record_class.h"

#include <algorithm>

namespace pickle {

namespace {

// The usual beginnings, taken apart without building values: a GLOBAL alone, or first in a tuple. Empty for
// others.
std::optional<RecordClass> at_once(std::string_view record) {
  if (record.starts_with('\x80')) record.remove_prefix(std::min<std::size_t>(2, record.size()));
  if (!record.starts_with('c')) return std::nullopt;
  record.remove_prefix(1);
  const std::size_t module_end = record.find('\n');
  if (module_end == std::string_view::npos) return std::nullopt;
  const std::size_t name_end = record.find('\n', module_end + 1);
  if (name_end == std::string_view::npos) return std::nullopt;
  std::string_view rest = record.substr(name_end + 1);
  if (rest.starts_with('q')) rest.remove_prefix(std::min<std::size_t>(2, rest.size()));
  if (!rest.starts_with('.')) return std::nullopt;
  return RecordClass{std::string(record.substr(0, module_end)),
                     std::string(record.substr(module_end + 1, name_end - module_end - 1)), true};
}

RecordClass named(const Node& global, bool alone) {
  const auto module = static_cast<std::size_t>(global.integer);
  return {std::string(global.text.substr(0, module)), std::string(global.text.substr(module + 1)), alone};
}

bool is_name(const Node& node) {
  return node.kind == NodeKind::text || node.kind == NodeKind::python2;
}

}  // namespace

std::optional<RecordClass> class_of(base::ByteSpan record) {
  if (auto found = at_once(base::as_text(record))) return found;
  Values values(record);
  std::size_t at = 0;
  return class_in(values, values.read(at));
}

std::optional<RecordClass> class_in(const Values& values, NodeId class_pickle) {
  const Node& top = values.node(class_pickle);
  if (top.kind == NodeKind::global) return named(top, true);
  if (top.kind != NodeKind::tuple || top.items.empty()) return std::nullopt;
  const Node& first = values.node(values.cell(top.items.first).value);
  if (first.kind == NodeKind::global) return named(first, false);
  if (first.kind != NodeKind::tuple) return std::nullopt;
  const std::vector<NodeId> names = values.members(first.items);
  if (names.size() != 2 || !is_name(values.node(names[0])) || !is_name(values.node(names[1])))
    return std::nullopt;
  return RecordClass{std::string(values.node(names[0]).text), std::string(values.node(names[1]).text), false};
}

}  // namespace pickle
