// schooltool-db-rotate: compresses the generations .1 and older, and applies retention.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/progress.h"
#include "upgrade/rotate.h"

namespace {

const std::string kTool = "schooltool-db-rotate";

const cli::ToolSpec kSpec = {
    kTool,
    "compress older copies of Data.fs and apply retention",
    "[OPTION]...",
    app::with_instance_options(
        {{"keep", 0, "COUNT", "keep at most so many generations", false, true},
         {"keep-min", 0, "COUNT", "never keep fewer good ones than these", false, true},
         {"min-free", 0, "SIZE", "remove the oldest while less than this is free (suffixes K M G T)", false,
          true},
         {"dry-run", 'n', "", "tell what would be done and change nothing"},
         {"json", 0, "", "report as JSON"}}),
    {{0, "done"},
     {2, "it could not be done, or not for every generation; no copy was lost"},
     {3, "another command is working on the instance"}}};

nlohmann::json to_json(const upgrade::Instance& instance, const upgrade::RotatePlan& plan) {
  return {{"instance", instance.name},
          {"data", instance.data_path()},
          {"compress", plan.compress},
          {"remove", plan.remove},
          {"skipped", plan.skipped}};
}

void print_plan(const upgrade::Instance& instance, const upgrade::RotatePlan& plan) {
  for (const std::string& name : plan.compress) {
    std::cout << instance.name << ": would compress " << base::quoted(name) << "\n";
  }
  for (const std::string& name : plan.remove) {
    std::cout << instance.name << ": would remove " << base::quoted(name) << "\n";
  }
}

void tell_trouble(const upgrade::Instance& instance, const upgrade::RotateReport& report) {
  for (const std::string& skipped : report.done.skipped) {
    std::cerr << kTool << ": " << instance.name << ": passed over " << skipped << "\n";
  }
  for (const std::string& failed : report.failed) std::cerr << kTool << ": " << failed << "\n";
}

int run(const cli::Options& options) {
  app::Context context = app::make_context(kTool, options);
  const bool dry = options.has("dry-run");
  nlohmann::json all = nlohmann::json::array();
  const int code = app::for_each(kTool, context, options, [&](const upgrade::Instance& instance) {
    upgrade::RotateReport report;
    nlohmann::json value;
    if (dry) {
      report.done = upgrade::plan_rotate(context.env(), instance);
      value = to_json(instance, report.done);
      if (!options.has("json")) print_plan(instance, report.done);
    } else {
      report = upgrade::rotate(context.env(), instance,
                               cli::terminal_progress("compressing " + instance.name, 0, context.env()));
      value = to_json(instance, report.done);
      value["failed"] = report.failed;
      value["bytes_before"] = report.bytes_before;
      value["bytes_after"] = report.bytes_after;
      value["free"] = report.free;
    }
    all.push_back(std::move(value));
    tell_trouble(instance, report);
    return report.done.skipped.empty() && report.failed.empty() ? cli::kDone : cli::kCouldNot;
  });
  if (options.has("json")) std::cout << base::json_text(all) << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
