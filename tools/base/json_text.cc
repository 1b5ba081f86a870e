#include "base/json_text.h"

#include <nlohmann/json.hpp>

namespace base {

namespace {

std::string dumped(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string json_text(const nlohmann::json& value) {
  return dumped(value, 2);
}

std::string json_line(const nlohmann::json& value) {
  return dumped(value, -1);
}

nlohmann::json parse_json(std::string_view text) {
  return nlohmann::json::parse(text);
}

}  // namespace base
