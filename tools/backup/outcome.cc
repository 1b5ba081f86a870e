#include "backup/outcome.h"

#include <nlohmann/json.hpp>

#include "backup/json_time.h"
#include "base/error.h"
#include "base/json_text.h"
#include "io/atomic_file.h"
#include "upgrade/journal.h"

namespace backup {

using nlohmann::json;

namespace {

constexpr const char* kName = "backup.json";
constexpr std::size_t kLimit = 64 * 1024;

}  // namespace

Outcome load_outcome(io::Dir& state) {
  if (!state.status(kName)) return {};
  try {
    const json value = base::parse_json(io::read_small_file(state, kName, kLimit));
    Outcome outcome;
    outcome.good = time_from(value.at("good"));
    outcome.stamp = value.at("stamp");
    outcome.size = value.at("size");
    if (!value.at("before").is_null()) outcome.before = value.at("before").get<std::uint64_t>();
    outcome.alarm = value.at("alarm");
    if (const json larger = value.value("larger", json()); !larger.is_null()) {
      outcome.larger = Larger{larger.at("stamp"), larger.at("size"), tid_from(larger.at("last_tid"))};
    }
    outcome.damage = value.value("damage", "");
    outcome.blobs = value.at("blobs");
    outcome.missing = value.at("missing");
    outcome.tried = time_from(value.at("tried"));
    outcome.failure = value.at("failure");
    return outcome;
  } catch (const json::exception&) {
    return {};
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;
    return {};
  }
}

std::string last_good_stamp(io::Env& env, const upgrade::Instance& instance) {
  const auto state = upgrade::find_state(env, instance.name);
  const Outcome outcome = state ? load_outcome(*state) : Outcome{};
  return outcome.good ? outcome.stamp : std::string();
}

void save_outcome(io::Dir& state, const Outcome& outcome, io::Env& env) {
  json larger;
  if (outcome.larger) {
    larger = {{"stamp", outcome.larger->stamp},
              {"size", outcome.larger->size},
              {"last_tid", tid_value(outcome.larger->last_tid)}};
  }
  json value = {{"good", time_value(outcome.good)},
                {"stamp", outcome.stamp},
                {"size", outcome.size},
                {"before", outcome.before ? json(*outcome.before) : json()},
                {"alarm", outcome.alarm},
                {"larger", larger},
                {"damage", outcome.damage},
                {"blobs", outcome.blobs},
                {"missing", outcome.missing},
                {"tried", time_value(outcome.tried)},
                {"failure", outcome.failure}};
  const std::string text = base::json_text(value) + "\n";
  io::replace_file(state, kName, base::as_bytes(text), {0, 0}, 0600, env);
}

}  // namespace backup
