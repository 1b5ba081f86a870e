// schooltool-db-check: judges the live database against what was there before the upgrade.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/progress.h"
#include "upgrade/check.h"

namespace {

const std::string kTool = "schooltool-db-check";

const cli::ToolSpec kSpec = {
    kTool,
    "judge whether Data.fs is still the school's",
    "[OPTION]...",
    app::with_instance_options(
        {{"before-start", 0, "",
          "run before the server starts: repair a missing or blank database of an open upgrade"},
         {"repair", 0, "",
          "put the database of before the upgrade back if the live one is missing, blank or truncated"},
         {"accept", 0, "", "the live database is right: close the open upgrade"},
         {"dry-run", 'n', "", "judge and tell what --repair would do, and change nothing"},
         {"json", 0, "", "report as JSON"}}),
    {{0, "healthy: unchanged, grown, packed, evolved or, with nothing to compare it with, sound"},
     {1, "not healthy: missing, blank, truncated, foreign or damaged"},
     {2, "could not tell"},
     {3, "another command is working on the instance"}}};

nlohmann::json to_json(const upgrade::Instance& instance, const upgrade::CheckReport& report) {
  const upgrade::Judgement& judgement = report.judgement;
  nlohmann::json value = {{"instance", instance.name},
                          {"data", instance.data_path()},
                          {"looked", report.looked},
                          {"verdict", upgrade::to_string(report.verdict)},
                          {"healthy", upgrade::is_healthy(report.verdict)},
                          {"reason", report.reason},
                          {"action", upgrade::to_string(report.action)},
                          {"messages", report.messages},
                          {"size", judgement.live.size},
                          {"transactions", judgement.live.transactions},
                          {"objects", judgement.live.objects},
                          {"last_tid", base::to_hex(judgement.live.last_tid)},
                          {"kept", judgement.kept},
                          {"rewritten", judgement.rewritten},
                          {"absent", judgement.absent},
                          {"went_back", judgement.went_back}};
  if (report.displaced_to) value["displaced_to"] = *report.displaced_to;
  if (report.source) value["source"] = *report.source;
  return value;
}

upgrade::CheckRequest request_from(const cli::Options& options) {
  upgrade::CheckRequest request;
  const bool dry = options.has("dry-run");
  if (options.has("accept") && (options.has("repair") || options.has("before-start"))) {
    throw base::Error(base::ErrorKind::usage, "choose", "",
                      "--accept goes with neither --repair nor --before-start");
  }
  if (options.has("before-start") && !dry) request.caller = upgrade::Caller::service_start;
  request.repair = options.has("repair") && !dry;
  request.accept = options.has("accept") && !dry;
  return request;
}

int exit_code(const upgrade::CheckReport& report) {
  if (!report.looked) return cli::kDone;
  // After a rollback the good database is live; with --accept a person has said so.
  const bool settled =
      report.action == upgrade::CheckAction::rolled_back || report.action == upgrade::CheckAction::closed;
  return settled || upgrade::is_healthy(report.verdict) ? cli::kDone : cli::kNo;
}

void print(const upgrade::Instance& instance, const upgrade::CheckReport& report, bool dry) {
  if (!report.looked) return;
  std::cout << instance.name << ": " << upgrade::to_string(report.verdict) << ": " << report.reason << "\n";
  if (dry && report.source) {
    std::cout << instance.name << ": would put back " << base::quoted(*report.source) << "\n";
  }
  // Nothing was done, nothing is said by the library: no upgrade is open.
  if (report.action == upgrade::CheckAction::none && !upgrade::is_healthy(report.verdict)) {
    std::cerr << kTool << ": " << instance.name << ": no upgrade is open, so nothing is put back by itself; "
              << "to put back a copy: schooltool-db rollback --instance " << instance.name << "\n";
  }
}

int run(const cli::Options& options) {
  app::Context context = app::make_context(kTool, options);
  upgrade::CheckRequest request = request_from(options);
  nlohmann::json all = nlohmann::json::array();
  const bool quiet = options.has("json") || request.caller == upgrade::Caller::service_start;
  const int code = app::for_each(kTool, context, options, [&](const upgrade::Instance& instance) {
    request.progress = [&](std::uint64_t total) {
      return cli::terminal_progress("putting back " + instance.name, total, context.env());
    };
    const upgrade::CheckReport report = upgrade::check(context.env(), instance, request);
    all.push_back(to_json(instance, report));
    if (!quiet) print(instance, report, options.has("dry-run"));
    app::tell_administrator(kTool, report.messages);
    return exit_code(report);
  });
  if (options.has("json")) std::cout << base::json_text(all) << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
