#include "zeo/server_error.h"

#include "base/bytes.h"
#include "base/text.h"

namespace zeo {
namespace {

using base::Error;
using base::ErrorKind;

// "ValueError" of "builtins.ValueError".
std::string short_name(const std::string& class_name) {
  const std::size_t dot = class_name.rfind('.');
  return dot == std::string::npos ? class_name : class_name.substr(dot + 1);
}

// ZODB's own exceptions are pickled as a call of this with the class and the attributes.
bool is_recreated(const Values& values, const Value& object) {
  return object.items.size() >= 2 && values.at(object.items[0]).text == "ZODB.POSException._recon";
}

// What an exception was made with: the arguments or attributes.
ValueId content_of(const Values& values, ValueId id) {
  const Value& value = values.at(id);
  if (value.kind != ValueKind::object || value.items.size() < 2) return id;
  const ValueId arguments = value.items[1];
  if (!is_recreated(values, value)) return arguments;
  const auto& parts = values.at(arguments).items;
  return parts.size() == 2 ? parts[1] : arguments;
}

// The first text in it; nothing if there is none.
const std::string* first_text(const Values& values, ValueId content) {
  const Value& value = values.at(content);
  if (value.kind == ValueKind::text) return &value.text;
  if (value.kind != ValueKind::sequence || value.items.empty()) return nullptr;
  const Value& first = values.at(value.items.front());
  return first.kind == ValueKind::text ? &first.text : nullptr;
}

// Old servers tell only the last bytes of an oid.
std::string oid_text(const std::string& bytes) {
  return (bytes.size() < 8 ? "..." : "") + base::to_hex(base::as_bytes(bytes));
}

bool may_be_oid(const std::string& text) {
  return !text.empty() && text.size() <= 8 && (text.size() == 8 || text.front() == '\0');
}

Error make_error(const std::string& name, const Values& values, ValueId content) {
  const std::string* text = first_text(values, content);
  const auto error = [](ErrorKind kind, const std::string& reason) { return Error(kind, "", "", reason); };
  if (name == "ReadOnlyError") {
    return error(ErrorKind::unsupported, "the storage is read-only (ReadOnlyError)")
        .with_hint("pack through the server that may write to it");
  }
  if (name == "AuthError") return error(ErrorKind::unsupported, "the server wants a password (AuthError)");
  if (text != nullptr && text->starts_with("unknown storage")) {
    return error(ErrorKind::not_found, "the server has no storage of this name")
        .with_hint("names are those of the sections in the server's configuration, '1' for one without");
  }
  if (text != nullptr && text->starts_with("Already packing")) {
    return error(ErrorKind::busy, "another pack is running there");
  }
  if ((name == "KeyError" || name == "POSKeyError") && text != nullptr && may_be_oid(*text)) {
    return error(ErrorKind::corrupt,
                 "object " + oid_text(*text) + " is referred to, but missing (" + name + ")")
        .with_hint("look for other dangling references with fscheck --refs");
  }
  const std::string said = describe(values, content);
  return error(ErrorKind::io,
               "the server answered " + base::quoted(name) + (said.empty() ? "" : ": " + said));
}

}  // namespace

std::optional<Error> error_in(const Message& reply) {
  const Values& values = reply.values;
  const Value& value = values.at(reply.content);
  const bool is_pair = value.kind == ValueKind::sequence && value.items.size() >= 2;
  const Value* first = is_pair ? &values.at(value.items[0]) : nullptr;
  const bool is_flagged = reply.head.flag == kErrorFlag;
  if (first != nullptr &&
      (first->kind == ValueKind::global || (is_flagged && first->kind == ValueKind::text)))
    return make_error(short_name(first->text), values, content_of(values, value.items[1]));
  if (is_flagged)
    return Error(ErrorKind::io, "", "",
                 "the server answered with an error: " + describe(values, reply.content));
  return std::nullopt;
}

}  // namespace zeo
