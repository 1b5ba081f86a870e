// schooltool-db-verify: proves backups without touching the live data.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/context.h"
#include "backup/repository_folder.h"
#include "backup/verify.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/progress.h"

namespace {

const std::string kTool = "schooltool-db-verify";

const cli::ToolSpec kSpec = {
    kTool,
    "prove that backups are whole",
    "[OPTION]...",
    app::with_instance_options(
        {{"restore-test", 0, "", "also restore the newest backup into a scratch folder and read it back"},
         {"verbose", 'v', "", "tell also what is sound"},
         {"json", 0, "", "report as JSON"}}),
    {{0, "all backups are sound"},
     {1, "faults were found, and are told"},
     {2, "could not look at all of it"},
     {3, "another restore test is running"}},
    "",
    false};

nlohmann::json to_json(const upgrade::Instance& instance, const backup::Verification& result) {
  nlohmann::json faults = nlohmann::json::array();
  for (const backup::Fault& fault : result.faults)
    faults.push_back({{"file", fault.name}, {"text", fault.text}});
  nlohmann::json value = {{"instance", instance.name},   {"repository", backup::repository_path(instance)},
                          {"backups", result.backups},   {"chains", result.chains},
                          {"archives", result.archives}, {"blobs", result.blobs},
                          {"newest", result.newest},     {"faults", std::move(faults)}};
  if (result.restore_test) {
    const backup::RestoreTest& test = *result.restore_test;
    value["restore_test"] = {{"stamp", test.stamp},
                             {"bytes", test.bytes},
                             {"transactions", test.transactions},
                             {"objects", test.objects},
                             {"blobs", test.blobs}};
  }
  return value;
}

void print(const upgrade::Instance& instance, const backup::Verification& result, bool verbose) {
  for (const backup::Fault& fault : result.faults) {
    std::cout << instance.name << ": " << (fault.name.empty() ? "" : base::quoted(fault.name) + " ")
              << fault.text << "\n";
  }
  if (!result.faults.empty()) {
    std::cerr << kTool << ": " << instance.name
              << ": make a new backup with 'schooltool-db backup --full --instance " << instance.name
              << "'; of damaged blob archives see schooltool-db-verify(8)\n";
  }
  if (!verbose) return;
  std::cout << instance.name << ": " << result.backups << " backups, " << result.chains << " of them full, "
            << result.archives << " archives with " << result.blobs << " blobs: " << result.faults.size()
            << " faults\n";
  if (result.restore_test) {
    std::cout << instance.name << ": restored " << result.restore_test->stamp << ": "
              << result.restore_test->transactions << " transactions, " << result.restore_test->objects
              << " objects, " << result.restore_test->blobs << " blobs\n";
  }
}

int run(const cli::Options& options) {
  app::Context context = app::make_context(kTool, options);
  nlohmann::json all = nlohmann::json::array();
  backup::VerifyRequest request;
  request.restore_test = options.has("restore-test");
  request.progress = [&](const std::string& task, std::uint64_t bytes) {
    return cli::terminal_progress(task, bytes, context.env());
  };
  const int code = app::for_each(kTool, context, options, [&](const upgrade::Instance& instance) -> int {
    const auto result = backup::verify(context.env(), instance, request);
    all.push_back(to_json(instance, result));
    if (!options.has("json")) print(instance, result, options.has("verbose"));
    return result.faults.empty() ? cli::kDone : cli::kNo;
  });
  if (options.has("json")) std::cout << base::json_text(all) << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
