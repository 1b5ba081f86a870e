// Times and tids in our JSON files: ISO 8601 in UTC, null for never; sixteen hexadecimal digits.
#pragma once

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>

#include "base/bytes.h"
#include "base/error.h"
#include "base/utc_time.h"

namespace backup {

inline nlohmann::json time_value(const std::optional<base::UtcTime>& time) {
  return time ? nlohmann::json(base::to_iso(*time)) : nlohmann::json();
}

// Empty also for a text that is no time. Exceptions of nlohmann's for anything but a text or null.
inline std::optional<base::UtcTime> time_from(const nlohmann::json& value) {
  return value.is_null() ? std::nullopt : base::from_iso(value.get<std::string>());
}

inline nlohmann::json tid_value(base::Tid tid) {
  return base::to_hex(tid);
}

// Error(corrupt).
inline base::Tid tid_from(const nlohmann::json& value) {
  const auto text = value.get<std::string>();
  base::Tid tid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tid, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size())
    throw base::Error(base::ErrorKind::corrupt, "", "", "has a bad tid");
  return tid;
}

}  // namespace backup
