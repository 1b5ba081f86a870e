// Times in the JSON files of the state folder: ISO 8601 in UTC, null for never.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/utc_time.h"

namespace backup {

inline nlohmann::json time_value(const std::optional<base::UtcTime>& time) {
  return time ? nlohmann::json(base::to_iso(*time)) : nlohmann::json();
}

// Empty also for a text that is no time. Exceptions of nlohmann's for anything but a text or null.
inline std::optional<base::UtcTime> time_from(const nlohmann::json& value) {
  return value.is_null() ? std::nullopt : base::from_iso(value.get<std::string>());
}

}  // namespace backup
