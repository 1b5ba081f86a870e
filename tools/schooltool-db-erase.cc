// schooltool-db-erase: moves a database and its blobs aside, for starting anew.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "backup/erase.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"

namespace {

const std::string kTool = "schooltool-db-erase";

const cli::ToolSpec kSpec = {
    kTool,
    "move a database and its blobs aside, for starting anew",
    "[OPTION]...",
    app::with_instance_options({{"yes", 'y', "", "do not ask for the name; needs --instance"},
                                {"dry-run", 'n', "", "tell what would be moved and change nothing"},
                                {"json", 0, "", "report as JSON"}}),
    {{0, "done"},
     {1, "not confirmed; nothing was changed"},
     {2, "could not"},
     {3, "another command, or a server that does not stop, has the database"}}};

constexpr const char* kWhyBlobsStay = "which is a file system of its own, or another instance's too";

backup::BlobFolderIs blob_folder_of(const app::Context& context, const upgrade::Instance& instance) {
  for (const upgrade::Instance& other : context.instances.found) {
    if (other.name != instance.name && other.blob_dir == instance.blob_dir)
      return backup::BlobFolderIs::shared;
  }
  return backup::BlobFolderIs::its_own;
}

std::string describe(const upgrade::Instance& instance, const backup::ErasePlan& plan) {
  const std::string where = instance.name + ": ";
  std::string text;
  if (plan.has_database) {
    text += where + base::quoted(instance.data_path()) + " (" + base::human_size(plan.size) + ", " +
            std::to_string(plan.transactions) + " transactions) is moved aside\n";
  }
  if (plan.has_blobs) {
    text += where + base::quoted(instance.blob_dir) +
            (plan.blobs_stay ? std::string(" stays as it is, ") + kWhyBlobsStay + "\n" : " is moved aside\n");
  }
  if (plan.server_runs)
    text += where + "the server is stopped, and makes a new, blank database when it starts\n";
  return text;
}

bool confirmed_by_name(const std::string& name) {
  return app::confirmed_with("This takes the school's data away. Type the name of the instance (" +
                                 base::quoted(name) + ") to go on:",
                             name);
}

int run(const cli::Options& options) {
  if (options.has("yes") && options.values("instance").empty()) {
    throw base::Error(base::ErrorKind::usage, "", "", "--yes needs --instance NAME");
  }
  app::Context context = app::make_context(kTool, options);
  const upgrade::Instance& instance = app::chosen_one(context, options);
  const backup::BlobFolderIs blob_folder = blob_folder_of(context, instance);
  const backup::ErasePlan plan = backup::plan_erase(context.env(), instance, blob_folder);
  nlohmann::json value = {{"instance", instance.name},         {"data", instance.data_path()},
                          {"blobs", instance.blob_dir},        {"size", plan.size},
                          {"transactions", plan.transactions}, {"blobs_stay", plan.blobs_stay},
                          {"server_runs", plan.server_runs}};
  if (options.has("dry-run")) {
    std::cout << (options.has("json") ? base::json_text(value) + "\n" : describe(instance, plan));
    return cli::kDone;
  }
  if (!options.has("yes")) {
    std::cerr << describe(instance, plan);
    if (!confirmed_by_name(instance.name)) {
      std::cerr << kTool << ": nothing was changed (use --yes --instance " << instance.name
                << " where nobody can be asked)\n";
      return cli::kNo;
    }
  }
  const backup::EraseReport done = backup::erase(context.env(), instance, blob_folder);
  if (options.has("json")) {
    value["moved_to"] = done.database;
    value["blobs_moved_to"] = done.blobs;
    value["blobs_stay"] = done.blobs_stay;
    value["started"] = done.started;
    std::cout << base::json_text(value) << "\n";
    return cli::kDone;
  }
  for (const std::string& path : {done.database, done.blobs}) {
    if (!path.empty()) std::cout << instance.name << ": kept as " << base::quoted(path) << "\n";
  }
  if (done.blobs_stay)
    std::cout << instance.name << ": the blobs stay in " << base::quoted(instance.blob_dir) << ", "
              << kWhyBlobsStay << "; a new database does not mind them\n";
  std::cout << instance.name << ": to undo this: schooltool-db restore --undo --instance " << instance.name
            << "\n";
  if (done.start_failed)
    std::cerr << kTool << ": the server could not be started again; start it by hand: service "
              << instance.settings.service << " start\n";
  return cli::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
