#include "app/pack_record.h"

#include <nlohmann/json.hpp>

#include "backup/json_time.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "io/atomic_file.h"

namespace app {

using backup::time_from;
using backup::time_value;
using nlohmann::json;

namespace {

constexpr const char* kName = "pack.json";
constexpr std::size_t kLimit = 64 * 1024;

PackRecord record_from(const json& value) {
  PackRecord record;
  record.packed = time_from(value.at("packed"));
  record.by_server = value.at("by_server");
  record.size_before = value.at("size_before");
  record.size_after = value.at("size_after");
  record.objects_removed = value.at("objects_removed");
  record.seconds = value.at("seconds");
  record.tried = time_from(value.at("tried"));
  record.left_out = value.at("left_out");
  record.failure = value.at("failure");
  return record;
}

}  // namespace

PackRecord load_pack_record(io::Dir& state) {
  if (!state.status(kName)) return {};
  try {
    return record_from(base::parse_json(io::read_small_file(state, kName, kLimit)));
  } catch (const json::exception&) {
    return {};
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;
    return {};
  }
}

json pack_record_json(const PackRecord& record) {
  return {{"packed", time_value(record.packed)},
          {"by_server", record.by_server},
          {"size_before", record.size_before},
          {"size_after", record.size_after},
          {"objects_removed", record.objects_removed},
          {"seconds", record.seconds},
          {"tried", time_value(record.tried)},
          {"left_out", record.left_out},
          {"failure", record.failure}};
}

void save_pack_record(io::Dir& state, const PackRecord& record, io::Env& env) {
  const std::string text = base::json_text(pack_record_json(record)) + "\n";
  io::replace_file(state, kName, base::as_bytes(text), {0, 0}, 0600, env);
}

std::string pack_status_text(const PackRecord& record, base::UtcTime now) {
  if (!record.tried && !record.packed) return {};
  std::string text = "  last pack       ";
  if (record.packed) {
    text += base::human_duration(now.seconds - record.packed->seconds) + " ago, " +
            (record.by_server ? "by the server" : "offline") + ": " + base::human_size(record.size_before) +
            " -> " + base::human_size(record.size_after) + ", " + std::to_string(record.objects_removed) +
            " objects removed, took " + base::human_duration(static_cast<std::int64_t>(record.seconds));
  } else {
    text += "none yet";
  }
  if (!record.left_out.empty()) text += "; left out since: " + record.left_out;
  if (!record.failure.empty()) text += "; FAILED: " + record.failure;
  return text + "\n";
}

}  // namespace app
