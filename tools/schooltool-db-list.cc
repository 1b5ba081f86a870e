// schooltool-db-list: what can be restored to when.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "app/local_time.h"
#include "backup/presence.h"
#include "backup/record.h"
#include "backup/repository_folder.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/report.h"
#include "repozo/chains.h"
#include "repozo/names.h"
#include "repozo/repository.h"

namespace {

const std::string kTool = "schooltool-db-list";

const cli::ToolSpec kSpec = {kTool,
                             "list the backups that can be restored",
                             "[OPTION]...",
                             app::with_instance_options({{"json", 0, "", "report as JSON"}}),
                             {{0, "done"},
                              {1, "an instance has no backup"},
                              {2, "could not read all of it, or a backup is not whole"}},
                             "",
                             false};

std::string when(const std::string& stamp) {
  const auto time = repozo::time_of(stamp);
  return time ? app::local_text(*time) : stamp;
}

std::string last_change(const backup::Record& record) {
  return record.last_tid == 0 ? "never" : app::local_text(base::tid_time(record.last_tid));
}

std::string blobs_of(const backup::Record& record) {
  if (!record.with_blobs) return "-";
  return std::to_string(record.blobs) +
         (record.missing != 0 ? " (" + std::to_string(record.missing) + " missing)" : "");
}

void print(const upgrade::Instance& instance, const backup::Records& records) {
  std::cout << instance.name << ": " << base::quoted(backup::repository_path(instance)) << "\n";
  std::vector<std::vector<std::string>> rows = {
      {"STAMP (UTC)", "LOCAL TIME", "KIND", "STATE", "BLOBS", "STORED", "LAST CHANGE"}};
  for (const backup::Record& record : records.all) {
    rows.push_back({record.stamp, when(record.stamp), record.full() ? "full" : "increment",
                    base::human_size(record.end), blobs_of(record),
                    base::human_size(record.end - record.start + record.new_blob_bytes),
                    last_change(record)});
  }
  std::cout << (records.all.empty() ? "no backups yet\n" : cli::table(rows));
}

nlohmann::json to_json(const upgrade::Instance& instance, const backup::Records& records) {
  nlohmann::json list = nlohmann::json::array();
  for (const backup::Record& record : records.all)
    list.push_back(base::parse_json(backup::record_json(record)));
  return {{"instance", instance.name},
          {"repository", backup::repository_path(instance)},
          {"backups", std::move(list)},
          {"problems", records.problems}};
}

// A backup whose files are not all there is told as a problem.
backup::Records restorable(io::Env& env, const upgrade::Instance& instance) {
  auto folder = backup::find_repository(env, instance);
  if (!folder) return {};
  repozo::Repository repository(env, std::move(folder));
  backup::Records records = backup::load_records(repository.dir());
  const auto chains = repozo::list_chains(repository);
  std::erase_if(records.all, [&](const backup::Record& record) {
    const std::string lacking = backup::what_lacks(repository.dir(), chains, record);
    if (!lacking.empty())
      records.problems.push_back(instance.name + ": " + record.stamp + " cannot be restored: " + lacking);
    return !lacking.empty();
  });
  return records;
}

int run(const cli::Options& options) {
  app::Context context = app::make_context(kTool, options);
  nlohmann::json all = nlohmann::json::array();
  const int code = app::for_each(kTool, context, options, [&](const upgrade::Instance& instance) -> int {
    const backup::Records records = restorable(context.env(), instance);
    for (const std::string& problem : records.problems) std::cerr << kTool << ": " << problem << "\n";
    all.push_back(to_json(instance, records));
    if (!options.has("json")) print(instance, records);
    if (!records.problems.empty()) return cli::kCouldNot;
    return records.all.empty() ? cli::kNo : cli::kDone;
  });
  if (options.has("json")) std::cout << base::json_text(all) << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
