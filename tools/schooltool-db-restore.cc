// schooltool-db-restore: puts a backup back, and undoes that.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "app/local_time.h"
#include "backup/restore.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/progress.h"
#include "repozo/names.h"

namespace {

const std::string kTool = "schooltool-db-restore";

const cli::ToolSpec kSpec = {
    kTool,
    "restore a database and its blobs from a backup",
    "[OPTION]... [MOMENT]",
    app::with_instance_options({{"undo", 0, "", "bring back what the last restore replaced"},
                                {"yes", 'y', "", "do not ask"},
                                {"dry-run", 'n', "", "print the plan and change nothing"},
                                {"json", 0, "", "report as JSON"}}),
    {{0, "done"},
     {1, "not confirmed, and nothing was changed; or only an interrupted run of another backup was finished"},
     {2, "could not; one of the two databases is live, complete, and told"},
     {3, "another command, or a server that does not stop, has the database"}},
    "MOMENT"};

std::string time_text(base::Tid tid) {
  if (tid == 0) return "never";
  const base::UtcTime time = base::tid_time(tid);
  return app::local_text(time) + " (" + base::to_iso(time) + ")";
}

std::string describe(const upgrade::Instance& instance, const backup::RestorePlan& plan) {
  const std::string where = instance.name + ": ";
  if (plan.finishes) {
    return where +
           "an interrupted run is finished: the database is in its place, blobs that it does not need "
           "are moved aside. Nothing else is done\n";
  }
  std::string text;
  if (!plan.undo) {
    const auto time = repozo::time_of(plan.record.stamp);
    text += where + "the backup of " + (time ? app::local_text(*time) : "") + " (" + plan.record.stamp +
            " UTC) is restored\n";
  }
  text += where + base::quoted(instance.data_path()) + " will be replaced by " +
          base::quoted(plan.source_path) + " (" + base::human_size(plan.record.end) + ", last change " +
          time_text(plan.record.last_tid) + ")\n";
  if (plan.live_exists) {
    text += where + "the live database (" + base::human_size(plan.live_size) + ", last change " +
            time_text(plan.live_last_tid) + ") is kept beside it; " + std::to_string(plan.transactions_lost) +
            " of its transactions are later and will not be in the restored one\n";
  } else {
    text += where + "there is no live database\n";
  }
  if (plan.blobs_to_add != 0) {
    text += where + std::to_string(plan.blobs_to_add) + " blobs (" +
            base::human_size(plan.blob_bytes_to_add) + ") are added from the archives\n";
  }
  if (plan.blobs_missing != 0)
    text += where + std::to_string(plan.blobs_missing) +
            (plan.undo ? " of its blobs are not there any more, neither in the blob folder nor in what was "
                         "moved aside\n"
                       : " blobs were missing already when it was backed up\n");
  if (plan.server_runs) text += where + "the server is stopped for it and started again\n";
  return text;
}

nlohmann::json to_json(const upgrade::Instance& instance, const backup::RestorePlan& plan) {
  return {{"instance", instance.name},
          {"data", instance.data_path()},
          {"undo", plan.undo},
          {"finishes_interrupted_run", plan.finishes},
          {"source", plan.source_path},
          {"stamp", plan.record.stamp},
          {"bytes", plan.record.end},
          {"last_tid", base::to_hex(plan.record.last_tid)},
          {"blobs_to_add", plan.blobs_to_add},
          {"blob_bytes_to_add", plan.blob_bytes_to_add},
          {"blobs_missing", plan.blobs_missing},
          {"live_exists", plan.live_exists},
          {"live_size", plan.live_size},
          {"live_last_tid", base::to_hex(plan.live_last_tid)},
          {"transactions_lost", plan.transactions_lost},
          {"server_runs", plan.server_runs},
          {"space_needed", plan.space_needed},
          {"space_free", plan.space_free},
          {"blob_space_needed", plan.blob_space_needed},
          {"blob_space_free", plan.blob_space_free},
          {"problems", plan.problems}};
}

void tell(const upgrade::Instance& instance, const backup::ExchangeReport& done, bool undo) {
  const std::string where = instance.name + ": ";
  std::cout << where
            << (done.finished_earlier_run ? "finished the interrupted run"
                : undo                    ? "undone"
                                          : "restored")
            << "; " << done.blobs_added << " blobs were added, " << done.blobs_moved << " moved aside\n";
  if (done.blobs_left != 0)
    std::cout << where << done.blobs_left << " blobs that it does not need stay in "
              << base::quoted(instance.blob_dir) << ", which is a file system of its own; they do no harm\n";
  if (!done.displaced_to.empty())
    std::cout << where << "what was live is kept as " << base::quoted(done.displaced_to) << "\n";
  if (!done.aside.empty()) std::cout << where << "its own blobs are in " << base::quoted(done.aside) << "\n";
  std::cout << where << "to undo this: schooltool-db restore --undo --instance " << instance.name << "\n";
  if (!done.as_asked)
    std::cerr << kTool << ": that run was of another backup; for what you asked for, run the command again\n";
  if (done.start_failed)
    std::cerr << kTool << ": the server could not be started again; start it by hand: service "
              << instance.settings.service << " start\n";
}

backup::RestorePlan make_plan(app::Context& context, const upgrade::Instance& instance,
                              const cli::Options& options) {
  if (options.has("undo")) return backup::plan_undo(context.env(), instance);
  const auto& words = options.positional();
  return backup::plan_restore(context.env(), instance,
                              words.empty() ? std::nullopt : std::optional(app::parse_moment(words.front())));
}

int run(const cli::Options& options) {
  if (options.positional().size() > 1 || (options.has("undo") && !options.positional().empty())) {
    throw base::Error(base::ErrorKind::usage, "", "", "one moment, or --undo")
        .with_hint("a moment with a space in it needs quotes");
  }
  app::Context context = app::make_context(kTool, options);
  const upgrade::Instance& instance = app::chosen_one(context, options);
  const backup::RestorePlan plan = make_plan(context, instance, options);
  if (options.has("dry-run")) {
    std::cout << (options.has("json") ? base::json_text(to_json(instance, plan)) + "\n"
                                      : describe(instance, plan));
    return cli::kDone;
  }
  for (const std::string& problem : plan.problems) std::cerr << kTool << ": " << problem << "\n";
  if (!app::agreed(kTool, options, describe(instance, plan))) return cli::kNo;
  const auto done =
      backup::restore(context.env(), instance, plan, [&](const std::string& task, std::uint64_t bytes) {
        return cli::terminal_progress(task, bytes, context.env());
      });
  const int code = done.as_asked ? cli::kDone : cli::kNo;
  if (!options.has("json")) {
    tell(instance, done, plan.undo);
    return code;
  }
  nlohmann::json value = to_json(instance, plan);
  value["displaced_to"] = done.displaced_to;
  value["blobs_aside"] = done.aside;
  value["blobs_added"] = done.blobs_added;
  value["blobs_moved"] = done.blobs_moved;
  value["blobs_left"] = done.blobs_left;
  value["started"] = done.started;
  value["finished_earlier_run"] = done.finished_earlier_run;
  value["as_asked"] = done.as_asked;
  std::cout << base::json_text(value) << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
