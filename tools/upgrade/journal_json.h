// The journal as JSON, private to journal.cc and the reports.
#pragma once

#include <nlohmann/json.hpp>

#include "upgrade/journal.h"

namespace upgrade {

nlohmann::json to_json_value(const Journal& journal);
nlohmann::json to_json_value(const Fingerprint& fingerprint);
// Throws nlohmann::json::exception or base::Error(corrupt) for anything but what to_json_value makes.
Journal journal_from_json(const nlohmann::json& value);

}  // namespace upgrade
