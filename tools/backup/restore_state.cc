#include "backup/restore_state.h"

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_text.h"
#include "io/atomic_file.h"

namespace backup {

using base::Error;
using base::ErrorKind;
using nlohmann::json;

namespace {

constexpr const char* kName = "restore.json";
constexpr std::size_t kLimit = 64 * 1024;
constexpr std::array<std::pair<RestorePhase, const char*>, 3> kPhases = {
    {{RestorePhase::swapping, "swapping"},
     {RestorePhase::clearing, "clearing"},
     {RestorePhase::done, "done"}}};

RestorePhase phase_from(const std::string& word) {
  for (const auto& [phase, text] : kPhases) {
    if (word == text) return phase;
  }
  throw Error(ErrorKind::corrupt, "", "", "unknown phase");
}

const char* to_string(RestorePhase phase) {
  for (const auto& [value, text] : kPhases) {
    if (value == phase) return text;
  }
  return "unknown";
}

RestoreState from_json(const json& value) {
  RestoreState state;
  state.phase = phase_from(value.at("phase"));
  const auto begun = base::from_iso(value.at("begun").get<std::string>());
  if (!begun) throw Error(ErrorKind::corrupt, "", "", "bad time");
  state.begun = *begun;
  state.from = value.at("from");
  const json& wanted = value.at("wanted");
  state.wanted.size = wanted.at("size");
  state.wanted.last_tid = wanted.at("last_tid");
  state.wanted.xxh128 = wanted.at("xxh128");
  state.wanted.owner = {wanted.at("uid"), wanted.at("gid")};
  state.wanted.mode = wanted.at("mode");
  state.source = value.at("source");
  state.in_vault = value.at("in_vault");
  state.new_inode = value.at("new_inode");
  state.old_inode = value.at("old_inode");
  state.aside = value.at("aside");
  state.kept = value.at("kept");
  state.kept_blobs = value.at("kept_blobs");
  state.start_server = value.at("start_server");
  return state;
}

}  // namespace

std::optional<RestoreState> load_restore_state(io::Dir& state) {
  if (!state.status(kName)) return std::nullopt;
  const auto refuse = [&](const std::string& why) {
    return Error(ErrorKind::corrupt, "read", state.path() + "/" + kName, why)
        .with_hint("move it away; then the last restore can be undone by hand only");
  };
  try {
    return from_json(base::parse_json(io::read_small_file(state, kName, kLimit)));
  } catch (const json::exception&) {
    throw refuse("is damaged");
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    throw refuse(error.reason());
  }
}

void save_restore_state(io::Dir& state, const RestoreState& restore, io::Env& env) {
  const json value = {{"phase", to_string(restore.phase)},
                      {"begun", base::to_iso(restore.begun)},
                      {"from", restore.from},
                      {"wanted",
                       {{"size", restore.wanted.size},
                        {"last_tid", restore.wanted.last_tid},
                        {"xxh128", restore.wanted.xxh128},
                        {"uid", restore.wanted.owner.uid},
                        {"gid", restore.wanted.owner.gid},
                        {"mode", restore.wanted.mode}}},
                      {"source", restore.source},
                      {"in_vault", restore.in_vault},
                      {"new_inode", restore.new_inode},
                      {"old_inode", restore.old_inode},
                      {"aside", restore.aside},
                      {"kept", restore.kept},
                      {"kept_blobs", restore.kept_blobs},
                      {"start_server", restore.start_server}};
  const std::string text = base::json_text(value) + "\n";
  io::replace_file(state, kName, base::as_bytes(text), {0, 0}, 0600, env);
}

}  // namespace backup
