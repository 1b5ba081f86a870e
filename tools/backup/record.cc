#include "backup/record.h"
#include "backup/json_time.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "backup/names.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/xxh128.h"
#include "io/atomic_file.h"
#include "repozo/names.h"

namespace backup {

using base::Error;
using base::ErrorKind;
using nlohmann::json;

namespace {

constexpr int kFormat = 1;
constexpr std::size_t kLimit = 4 << 20;
constexpr const char* kCheckKey = "xxh128";  // of the rest, as base::json_text() gives it

std::string digest_of_text(const std::string& text) {
  base::Xxh128 hasher;
  hasher.update(base::as_bytes(text));
  return hasher.hex();
}

json to_json(const Record& record) {
  json value = {
      {"format", kFormat},
      {"stamp", record.stamp},
      {"chain", record.chain},
      {"file", record.file},
      {"start", record.start},
      {"end", record.end},
      {"md5", record.md5},
      {"last_tid", tid_value(record.last_tid)},
      {"last_transaction", record.last_tid == 0 ? "" : base::to_iso(base::tid_time(record.last_tid))},
      {"source", record.source},
      {"uid", record.owner.uid},
      {"gid", record.owner.gid},
      {"mode", record.mode},
      {"begun", base::to_iso(record.begun)},
      {"seconds", record.seconds},
      {"new_blobs", record.new_blobs},
      {"new_blob_bytes", record.new_blob_bytes}};
  if (record.with_blobs) {
    value["blobs"] = {{"layout", to_string(record.layout)},
                      {"count", record.blobs},
                      {"archives", record.archives},
                      {"missing", record.missing},
                      {"missing_names", record.missing_names}};
  }
  return value;
}

std::string stamp_from(const json& value) {
  const auto& text = value.get_ref<const std::string&>();
  if (!repozo::is_stamp(text)) throw Error(ErrorKind::corrupt, "", "", "has a bad stamp");
  return text;
}

void read_blobs(Record& record, const json& blobs) {
  record.with_blobs = true;
  const std::string layout = blobs.at("layout");
  if (layout != "bushy" && layout != "lawn") throw Error(ErrorKind::corrupt, "", "", "has a bad layout");
  record.layout = layout == "lawn" ? filestorage::BlobLayout::lawn : filestorage::BlobLayout::bushy;
  record.blobs = blobs.at("count");
  for (const json& archive : blobs.at("archives")) record.archives.push_back(stamp_from(archive));
  record.missing = blobs.at("missing");
  record.missing_names = blobs.at("missing_names").get<std::vector<std::string>>();
}

Record from_json(json value) {
  const std::string check = value.at(kCheckKey);
  value.erase(kCheckKey);
  if (check != digest_of_text(base::json_text(value))) throw Error(ErrorKind::corrupt, "", "", "is damaged");
  if (value.at("format") != kFormat) throw Error(ErrorKind::corrupt, "", "", "is of a later version");
  Record record;
  record.stamp = stamp_from(value.at("stamp"));
  record.chain = stamp_from(value.at("chain"));
  record.file = value.at("file");
  const auto name = repozo::parse_name(record.file);
  record.start = value.at("start");
  record.end = value.at("end");
  if (!name || name->stamp != record.stamp || record.start > record.end)
    throw Error(ErrorKind::corrupt, "", "", "does not fit itself");
  record.md5 = value.at("md5");
  record.last_tid = tid_from(value.at("last_tid"));
  record.source = value.at("source");
  record.owner = {value.at("uid"), value.at("gid")};
  record.mode = value.at("mode");
  const auto begun = base::from_iso(value.at("begun").get<std::string>());
  if (!begun) throw Error(ErrorKind::corrupt, "", "", "has a bad time");
  record.begun = *begun;
  record.seconds = value.at("seconds");
  record.new_blobs = value.at("new_blobs");
  record.new_blob_bytes = value.at("new_blob_bytes");
  if (value.contains("blobs")) read_blobs(record, value.at("blobs"));
  return record;
}

}  // namespace

std::string record_json(const Record& record) {
  return base::json_text(to_json(record));
}

void save_record(io::Dir& repository, const Record& record, io::Env& env) {
  // What json_text() replaces in the text would not be found again in the value.
  json value = base::parse_json(base::json_text(to_json(record)));
  value[kCheckKey] = digest_of_text(base::json_text(value));
  io::replace_file(repository, record_name(record.stamp), base::as_bytes(base::json_text(value) + "\n"),
                   {0, 0}, 0600, env);
}

Record load_record(io::Dir& repository, const std::string& stamp) {
  const std::string name = record_name(stamp);
  const auto refuse = [&](const std::string& why) {
    return Error(ErrorKind::corrupt, "read", repository.path() + "/" + name, why);
  };
  const std::string text = io::read_small_file(repository, name, kLimit);
  Record record;
  try {
    const json value = base::parse_json(text);
    // A changed bit may be in the space between the words only, of which the sum knows nothing.
    if (text != base::json_text(value) + "\n") throw Error(ErrorKind::corrupt, "", "", "is damaged");
    record = from_json(value);
  } catch (const json::exception&) {  // its text has the bytes in it
    throw refuse("is damaged");
  } catch (const Error& error) {
    throw refuse(error.reason());
  }
  if (record.stamp != stamp) throw refuse("is the record of another backup");
  return record;
}

const Record* Records::find(const std::string& stamp) const {
  const auto match =
      std::find_if(all.begin(), all.end(), [&](const Record& record) { return record.stamp == stamp; });
  return match == all.end() ? nullptr : &*match;
}

Records load_records(io::Dir& repository) {
  Records records;
  for (const std::string& name : repository.list()) {
    const auto stamp = stamp_in(name, kRecordSuffix);
    if (!stamp) continue;
    try {
      records.all.push_back(load_record(repository, *stamp));
    } catch (const Error& error) {
      records.problems.emplace_back(error.what());
      records.damaged.push_back(*stamp);
    }
  }
  return records;
}

}  // namespace backup
