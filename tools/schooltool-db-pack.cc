// schooltool-db-pack: the weekly pack, through the server or offline.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "app/pack_job.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/progress.h"
#include "upgrade/settings.h"
#include "zeo/posix_network.h"

namespace {

const std::string kTool = "schooltool-db-pack";

const cli::ToolSpec kSpec = {
    kTool,
    "pack databases, through the server where one runs",
    "[OPTION]...",
    app::with_instance_options(
        {{"without-backup", 0, "", "do not ask for a recent good backup"},
         {"wait", 0, "TIME", "how long to wait for another command that has the instance"},
         {"verbose", 'v', "", "tell what was done"},
         {"dry-run", 'n', "", "tell what would be done and change nothing"},
         {"json", 0, "", "report as JSON"},
         {"pack-every", 0, "week|month|never", "how often --all packs an instance", false, true},
         {"pack-history", 0, "TIME", "how much history to leave", false, true},
         {"pack-min-gain", 0, "SIZE|PERCENT%", "with --all: the least that has to be freed", false, true},
         {"pack-backup-age", 0, "TIME", "how old the last good backup may be", false, true}}),
    {{0, "done, or there was no need"},
     {2, "it could not be done; the database is as it was"},
     {3, "skipped: another command, or an upgrade, has the instance"}}};

const char* word_for(app::PackDecision::What what) {
  switch (what) {
    case app::PackDecision::What::online: return "server";
    case app::PackDecision::What::offline: return "offline";
    case app::PackDecision::What::leave_out: return "left out";
  }
  return "unknown";
}

nlohmann::json to_json(const upgrade::Instance& instance, const app::PackJobReport& report) {
  return {{"instance", instance.name},
          {"data", instance.data_path()},
          {"how", word_for(report.decision.what)},
          {"reason", report.decision.why},
          {"estimate",
           {{"size_before", report.estimate.size_before},
            {"size_after", report.estimate.size_after},
            {"objects_removed", report.estimate.objects_dropped},
            {"blobs", report.estimate.blobs},
            {"blob_bytes", report.estimate.blob_bytes}}},
          {"record", app::pack_record_json(report.record)}};
}

std::string describe(const app::PackJobReport& report) {
  const app::PackRecord& record = report.record;
  return std::string(record.by_server ? "packed by its server" : "packed offline") + ": " +
         base::human_size(record.size_before) + " -> " + base::human_size(record.size_after) + ", " +
         std::to_string(record.objects_removed) + " objects removed, took " +
         base::human_duration(static_cast<std::int64_t>(record.seconds));
}

void print_plan(const upgrade::Instance& instance, const app::PackJobReport& report) {
  std::cout << instance.name << ": ";
  if (report.decision.what == app::PackDecision::What::leave_out) {
    std::cout << "would not be packed: " << report.decision.why << "\n";
    return;
  }
  std::cout << "would be packed "
            << (report.decision.what == app::PackDecision::What::online ? "by its server" : "offline") << ", "
            << base::human_size(report.estimate.size_before) << " -> "
            << base::human_size(report.estimate.size_after) << ", " << report.estimate.objects_dropped
            << " objects removed\n";
}

int run(const cli::Options& options) {
  app::Context context = app::make_context(kTool, options);
  app::log_problems(kTool, context);
  const auto network = zeo::make_posix_network();
  nlohmann::json all = nlohmann::json::array();
  app::PackJobRequest request;
  request.scheduled = options.values("instance").empty();
  request.without_backup = options.has("without-backup");
  if (const auto wait = options.value("wait")) request.wait_s = upgrade::parse_duration(*wait);
  const int code = app::for_each(kTool, context, options, [&](const upgrade::Instance& instance) -> int {
    request.progress = [&](std::uint64_t total) {
      return cli::terminal_progress("pack of " + instance.name, total, context.env());
    };
    if (isatty(STDERR_FILENO) != 0) {
      request.server_progress = [&] {
        return std::make_unique<app::PackProgress>(std::cerr, context.env(),
                                                   "pack of " + instance.name + " by its server");
      };
    }
    try {
      const bool dry = options.has("dry-run");
      const app::PackJobReport report = dry ? app::plan_pack_instance(context.env(), instance, request)
                                            : app::pack_instance(context.env(), *network, instance, request);
      all.push_back(to_json(instance, report));
      const bool done = !dry && report.decision.what != app::PackDecision::What::leave_out;
      if (done) app::log_for_administrator(kTool, instance.name + ": " + describe(report));
      if (options.has("json")) return cli::kDone;
      if (dry) print_plan(instance, report);
      if (!dry && (options.has("verbose") || !request.scheduled)) {
        std::cout << instance.name << ": " << (done ? describe(report) : "not packed: " + report.decision.why)
                  << "\n";
      }
      return cli::kDone;
    } catch (const base::Error& error) {
      std::vector<std::string> lines = {instance.name + ": " + error.what()};
      if (!error.hint().empty()) lines.push_back(error.hint());
      app::tell_administrator(kTool, lines);
      const bool is_busy = error.kind() == base::ErrorKind::busy;
      all.push_back({{"instance", instance.name},
                     {"data", instance.data_path()},
                     {"how", is_busy ? "busy" : "failed"},
                     {"reason", error.what()}});
      return is_busy ? cli::kBusy : cli::kCouldNot;
    }
  });
  if (options.has("json")) {
    std::cout << base::json_text(all) << "\n";
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
