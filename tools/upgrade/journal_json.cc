#include "upgrade/journal_json.h"

#include <charconv>

#include "base/bytes.h"
#include "base/error.h"

namespace upgrade {

using nlohmann::json;

namespace {

constexpr int kFormat = 1;

[[noreturn]] void corrupt(const std::string& what) {
  throw base::Error(base::ErrorKind::corrupt, "read", "state.json", what);
}

base::Tid tid_from(const json& value) {
  const auto& text = value.get_ref<const std::string&>();
  base::Tid tid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tid, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size()) corrupt("bad tid");
  return tid;
}

base::UtcTime time_from(const json& value) {
  const auto time = base::from_iso(value.get<std::string>());
  if (!time) corrupt("bad time");
  return *time;
}

Fingerprint fingerprint_from(const json& value) {
  Fingerprint fingerprint;
  fingerprint.size = value.at("size");
  fingerprint.transactions = value.at("transactions");
  fingerprint.records = value.at("records");
  fingerprint.objects = value.at("objects");
  fingerprint.first_tid = tid_from(value.at("first_tid"));
  fingerprint.last_tid = tid_from(value.at("last_tid"));
  fingerprint.xxh128 = value.at("xxh128");
  fingerprint.owner = {value.at("uid"), value.at("gid")};
  fingerprint.mode = value.at("mode");
  return fingerprint;
}

Before before_from(const std::string& word) {
  for (const Before before : {Before::database, Before::blank, Before::absent}) {
    if (word == to_string(before)) return before;
  }
  corrupt("unknown state before the upgrade");
}

json to_json_value(const OpenUpgrade& open) {
  json packages = json::array();
  for (const PackageChange& change : open.packages) {
    packages.push_back({{"name", change.name}, {"old", change.old_version}, {"new", change.new_version}});
  }
  json value = {{"id", open.id},
                {"opened", base::to_iso(open.opened)},
                {"by", open.by},
                {"data_dir", open.data_dir},
                {"data_name", open.data_name},
                {"packages", std::move(packages)},
                {"before", to_string(open.before)},
                {"held", open.held},
                {"server_was_running", open.server_was_running},
                {"rollbacks", open.rollbacks}};
  if (open.before != Before::absent) value["database"] = to_json_value(open.database);
  if (open.good_since) value["good_since"] = base::to_iso(*open.good_since);
  if (!open.untold.empty()) value["untold"] = open.untold;
  if (open.blobs) value["blobs"] = {{"path", open.blobs->path}, {"inode", open.blobs->inode}};
  return value;
}

OpenUpgrade open_from(const json& value) {
  OpenUpgrade open;
  open.id = value.at("id");
  open.opened = time_from(value.at("opened"));
  open.by = value.at("by");
  open.data_dir = value.at("data_dir");
  open.data_name = value.at("data_name");
  for (const json& change : value.at("packages")) {
    open.packages.push_back({change.at("name"), change.at("old"), change.at("new")});
  }
  open.before = before_from(value.at("before"));
  open.held = value.at("held");
  open.server_was_running = value.at("server_was_running");
  open.rollbacks = value.at("rollbacks");
  if (open.before != Before::absent) open.database = fingerprint_from(value.at("database"));
  if (value.contains("good_since")) open.good_since = time_from(value.at("good_since"));
  if (value.contains("untold")) open.untold = value.at("untold").get<std::vector<std::string>>();
  if (value.contains("blobs")) {
    const json& blobs = value.at("blobs");
    open.blobs = BlobFolder{blobs.at("path"), blobs.at("inode")};
  }
  return open;
}

json to_json_value(const Outcome& outcome) {
  return {{"at", base::to_iso(outcome.at)},
          {"verdict", to_string(outcome.verdict)},
          {"reason", outcome.reason},
          {"action", outcome.action},
          {"detail", outcome.detail}};
}

Outcome outcome_from(const json& value) {
  const auto verdict = verdict_from(value.at("verdict"));
  if (!verdict) corrupt("unknown verdict");
  return {time_from(value.at("at")), *verdict, value.at("reason"), value.at("action"), value.at("detail")};
}

}  // namespace

json to_json_value(const Fingerprint& fingerprint) {
  return {{"size", fingerprint.size},
          {"transactions", fingerprint.transactions},
          {"records", fingerprint.records},
          {"objects", fingerprint.objects},
          {"first_tid", base::to_hex(fingerprint.first_tid)},
          {"last_tid", base::to_hex(fingerprint.last_tid)},
          {"last_transaction", base::to_iso(base::tid_time(fingerprint.last_tid))},
          {"xxh128", fingerprint.xxh128},
          {"uid", fingerprint.owner.uid},
          {"gid", fingerprint.owner.gid},
          {"mode", fingerprint.mode}};
}

json to_json_value(const Journal& journal) {
  json value = {{"format", kFormat}};
  if (journal.open) value["open_upgrade"] = to_json_value(*journal.open);
  if (journal.snapshot) value["snapshot"] = to_json_value(*journal.snapshot);
  if (journal.snapshot_taken) value["snapshot_taken"] = base::to_iso(*journal.snapshot_taken);
  if (journal.last) value["last"] = to_json_value(*journal.last);
  if (journal.last_replaced) value["last_replaced"] = to_json_value(*journal.last_replaced);
  return value;
}

Journal journal_from_json(const json& value) {
  if (value.at("format") != kFormat) corrupt("written by another version of this program");
  Journal journal;
  if (value.contains("open_upgrade")) journal.open = open_from(value.at("open_upgrade"));
  if (value.contains("snapshot")) journal.snapshot = fingerprint_from(value.at("snapshot"));
  if (value.contains("snapshot_taken")) journal.snapshot_taken = time_from(value.at("snapshot_taken"));
  if (value.contains("last")) journal.last = outcome_from(value.at("last"));
  if (value.contains("last_replaced")) journal.last_replaced = outcome_from(value.at("last_replaced"));
  return journal;
}

}  // namespace upgrade
