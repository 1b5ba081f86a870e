// schooltool-db-rollback: puts the last good database back, or a generation chosen by hand.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "base/utc_time.h"
#include "cli/progress.h"
#include "upgrade/by_hand.h"
#include "upgrade/notice.h"

namespace {

const std::string kTool = "schooltool-db-rollback";

const cli::ToolSpec kSpec = {
    kTool,
    "put the last good database back",
    "[OPTION]...",
    app::with_instance_options(
        {{"to", 0, "COPY", "a generation (0, 3, Data.fs.3.gz) or a displaced database by its name"},
         {"yes", 'y', "", "do not ask"},
         {"dry-run", 'n', "", "print the plan and change nothing"},
         {"json", 0, "", "report as JSON"}}),
    {{0, "done"},
     {1, "not confirmed; nothing was changed"},
     {2, "could not; the live database stands as before"},
     {3, "another command, or a server that does not stop, has the database"}}};

nlohmann::json to_json(const upgrade::Instance& instance, const upgrade::HandPlan& hand) {
  const upgrade::RollbackPlan& plan = hand.plan;
  nlohmann::json value = {{"instance", instance.name},
                          {"data", instance.data_path()},
                          {"source", hand.source_path},
                          {"bytes", plan.source.database.size},
                          {"last_transaction", base::to_iso(base::tid_time(plan.source.database.last_tid))},
                          {"live_size", plan.live_size.value_or(0)},
                          {"stop_server", plan.stop_server},
                          {"start_server", plan.start_server},
                          {"move_instead_of_copy", plan.move_instead_of_copy}};
  if (plan.source.database.objects > 0) value["objects"] = plan.source.database.objects;
  return value;
}

std::string describe(const upgrade::Fingerprint& database) {
  // Objects are counted only where the copy could be read without unpacking it.
  const std::string objects = database.objects > 0 ? std::to_string(database.objects) + " objects, " : "";
  return base::human_size(database.size) + ", " + objects + "last transaction " +
         base::to_iso(base::tid_time(database.last_tid));
}

std::string describe(const upgrade::Instance& instance, const upgrade::HandPlan& hand) {
  const upgrade::RollbackPlan& plan = hand.plan;
  std::string text = instance.name + ": " + base::quoted(instance.data_path()) + " will be replaced by " +
                     base::quoted(hand.source_path) + " (" + describe(plan.source.database) + ")\n";
  if (plan.live_size) {
    text += instance.name + ": the live file (" + base::human_size(*plan.live_size) + ") is kept as " +
            base::quoted(instance.data_name + "." + plan.word + "-<time>") + "\n";
  }
  if (plan.stop_server) text += instance.name + ": the server is stopped for it and started again\n";
  return text;
}

int run(const cli::Options& options) {
  app::Context context = app::make_context(kTool, options);
  const upgrade::Instance& instance = app::chosen_one(context, options);
  const upgrade::HandPlan hand = upgrade::plan_by_hand(context.env(), instance, options.value("to"));
  if (options.has("dry-run")) {
    std::cout << (options.has("json") ? base::json_text(to_json(instance, hand)) + "\n"
                                      : describe(instance, hand));
    return cli::kDone;
  }
  if (!app::agreed(kTool, options, describe(instance, hand))) return cli::kNo;
  const auto progress = cli::terminal_progress("putting back", hand.plan.source.database.size, context.env());
  const upgrade::RollbackReport done = upgrade::roll_back_by_hand(context.env(), instance, hand, progress);
  if (options.has("json")) {
    nlohmann::json value = to_json(instance, hand);
    value["displaced_to"] = done.displaced_to;
    value["started"] = done.started;
    std::cout << base::json_text(value) << "\n";
    return cli::kDone;
  }
  std::cout << instance.name << ": put back " << base::quoted(hand.source_path) << "\n";
  if (!done.displaced_to.empty()) {
    std::cout << instance.name << ": what was live is kept as " << base::quoted(done.displaced_to) << "\n";
  }
  for (const std::string& line : upgrade::blobs_notice(done.blobs)) {
    std::cout << instance.name << ": " << line << "\n";
  }
  return cli::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
