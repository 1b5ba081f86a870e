// schooltool-db-snapshot: a consistent copy of Data.fs to Data.fs.0.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "app/snapshot_text.h"
#include "base/json_text.h"
#include "cli/progress.h"
#include "upgrade/snapshot.h"

namespace {

const std::string kTool = "schooltool-db-snapshot";

const cli::ToolSpec kSpec = {
    kTool,
    "copy a live or stopped Data.fs to Data.fs.0",
    "[OPTION]...",
    app::with_instance_options(
        {{"even-if-blank", 0, "", "take it although the database looks blank beside the newest snapshot"},
         {"dry-run", 'n', "", "tell what would be done and change nothing"},
         {"json", 0, "", "report as JSON"}}),
    {{0, "done, or the newest snapshot holds the same already"},
     {1, "there was nothing to take: the database is absent or blank"},
     {2, "it could not be done; what stood before still stands"},
     {3, "another command is working on the instance"}}};

nlohmann::json to_json(const upgrade::Instance& instance, const upgrade::SnapshotPlan& plan) {
  nlohmann::json moves = nlohmann::json::array();
  for (const auto& [from, to] : plan.moves) moves.push_back({{"from", from}, {"to", to}});
  return {{"instance", instance.name},
          {"data", instance.data_path()},
          {"action", upgrade::to_string(plan.action)},
          {"bytes", plan.length},
          {"moves", std::move(moves)},
          {"space_needed", plan.space_needed},
          {"space_free", plan.space_free},
          {"reason", plan.reason}};
}

bool nothing_taken(const upgrade::SnapshotPlan& plan) {
  return plan.action == upgrade::SnapshotAction::absent || plan.action == upgrade::SnapshotAction::blank;
}

int run(const cli::Options& options) {
  app::Context context = app::make_context(kTool, options);
  nlohmann::json all = nlohmann::json::array();
  upgrade::SnapshotRequest request;
  request.even_if_blank = options.has("even-if-blank");
  const int code = app::for_each(kTool, context, options, [&](const upgrade::Instance& instance) {
    request.progress = [&](std::uint64_t total) {
      return cli::terminal_progress("snapshot of " + instance.name, total, context.env());
    };
    const bool dry = options.has("dry-run");
    const upgrade::SnapshotPlan plan = dry ? upgrade::plan_snapshot(context.env(), instance, request)
                                           : upgrade::take_snapshot(context.env(), instance, request).plan;
    all.push_back(to_json(instance, plan));
    if (!options.has("json") && dry) app::print_plan(std::cout, instance, plan);
    if (!options.has("json") && !dry && nothing_taken(plan)) {
      std::cerr << kTool << ": " << instance.name << ": no snapshot was taken: " << plan.reason << "\n";
    }
    return nothing_taken(plan) ? cli::kNo : cli::kDone;
  });
  if (options.has("json")) std::cout << base::json_text(all) << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
