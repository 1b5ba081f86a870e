// schooltool-db-backup: the daily backup of database and blobs.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "backup/backup.h"
#include "backup/repository_folder.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/progress.h"

namespace {

const std::string kTool = "schooltool-db-backup";

const cli::ToolSpec kSpec = {
    kTool,
    "back up databases and their blobs",
    "[OPTION]...",
    app::with_instance_options(
        {{"full", 'F', "", "make a full backup in any case"},
         {"accept", 0, "", "the database is right though it shrank or changed: go on as ever"},
         {"verbose", 'v', "", "tell what was done"},
         {"dry-run", 'n', "", "tell what would be done and change nothing"},
         {"json", 0, "", "report as JSON"}}),
    {{0, "done, or nothing was new"},
     {1,
      "done, but something needs a look: blobs are missing, or the database shrank or changed without a "
      "pack"},
     {2, "it could not be done; the older backups stand"},
     {3, "skipped: another command, or an upgrade, has the instance"}}};

backup::StartProgress progress_for(io::Env& env) {
  return [&env](const std::string& task, std::uint64_t bytes) {
    return cli::terminal_progress(task, bytes, env);
  };
}

const char* word_for(repozo::Action action) {
  switch (action) {
    case repozo::Action::none: return "unchanged";
    case repozo::Action::increment: return "increment";
    case repozo::Action::full: return "full";
  }
  return "unknown";
}

nlohmann::json to_json(const upgrade::Instance& instance, const backup::BackupReport& report) {
  return {{"instance", instance.name},
          {"repository", backup::repository_path(instance)},
          {"action", word_for(report.pair.action)},
          {"reason", report.pair.reason},
          {"backup", base::parse_json(backup::record_json(report.pair.record))},
          {"removed", report.removed},
          {"warnings", report.warnings}};
}

// Blobs that were missing may be there again without a change of the database.
bool is_nothing(const backup::PairPlan& plan) {
  return !plan.full && plan.bytes == 0 && plan.new_blobs == 0;
}

nlohmann::json to_json(const upgrade::Instance& instance, const backup::PairPlan& plan) {
  return {{"instance", instance.name},
          {"repository", backup::repository_path(instance)},
          {"action", plan.full          ? "full"
                     : is_nothing(plan) ? "unchanged"
                                        : "increment"},
          {"reason", plan.reason},
          {"bytes", plan.bytes},
          {"new_blobs", plan.new_blobs},
          {"new_blob_bytes", plan.new_blob_bytes},
          {"missing_blobs", plan.missing},
          {"space_needed", plan.space_needed},
          {"space_free", plan.space_free}};
}

void print(const upgrade::Instance& instance, const backup::BackupReport& report) {
  const backup::Record& record = report.pair.record;
  if (report.pair.action == repozo::Action::none) {
    std::cout << instance.name << ": nothing new since " << record.stamp << "\n";
    return;
  }
  std::cout << instance.name << ": " << (record.full() ? "full backup " : "increment ") << record.stamp
            << ", " << base::human_size(record.end - record.start) << " of the database, " << record.new_blobs
            << " blobs (" << base::human_size(record.new_blob_bytes) << ")\n";
  for (const std::string& name : report.removed) std::cout << instance.name << ": removed " << name << "\n";
}

void print(const upgrade::Instance& instance, const backup::PairPlan& plan) {
  if (is_nothing(plan)) {
    std::cout << instance.name << ": nothing is new\n";
    return;
  }
  std::cout << instance.name << ": would make " << (plan.full ? "a full backup of " : "an increment of ")
            << base::human_size(plan.bytes) << " and " << plan.new_blobs << " blobs ("
            << base::human_size(plan.new_blob_bytes) << ") in "
            << base::quoted(backup::repository_path(instance))
            << (plan.reason.empty() ? "" : ", as " + plan.reason) << "\n";
  if (plan.missing != 0) std::cout << instance.name << ": " << plan.missing << " blobs have no file\n";
}

int run(const cli::Options& options) {
  app::Context context = app::make_context(kTool, options);
  app::log_problems(kTool, context);
  if (options.has("accept")) app::chosen_one(context, options);
  nlohmann::json all = nlohmann::json::array();
  const bool by_name = !options.values("instance").empty();
  const int code = app::for_each(kTool, context, options, [&](const upgrade::Instance& instance) -> int {
    if (!by_name && !instance.settings.backup) return cli::kDone;
    if (options.has("dry-run")) {
      const auto plan = backup::plan_pair(context.env(), instance, options.has("full"));
      all.push_back(to_json(instance, plan));
      if (!options.has("json")) print(instance, plan);
      return cli::kDone;
    }
    backup::BackupRequest request;
    request.full = options.has("full");
    request.accept = options.has("accept");
    request.progress = progress_for(context.env());
    try {
      const auto report = backup::back_up(context.env(), instance, request);
      all.push_back(to_json(instance, report));
      app::tell_administrator(kTool, report.warnings);
      if (options.has("verbose")) print(instance, report);
      return report.warnings.empty() ? cli::kDone : cli::kNo;
    } catch (const base::Error& error) {
      std::vector<std::string> lines = {instance.name + ": " + error.what()};
      if (!error.hint().empty()) lines.push_back(error.hint());
      app::tell_administrator(kTool, lines);
      return error.kind() == base::ErrorKind::busy ? cli::kBusy : cli::kCouldNot;
    }
  });
  if (options.has("json")) std::cout << base::json_text(all) << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
