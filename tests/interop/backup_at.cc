// backup_at ROOT backup|verify|restore DATA-FOLDER [STAMP]: the library's backup, verification and restore of
// the instance "live" whose Data.fs and blobs lie in DATA-FOLDER, with ROOT in the place of "/": a test needs
// no folders of this machine. Prints JSON; exit status 0 if all is well, 1 if faults were found, 2 if it
// failed.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "backup/restore.h"
#include "backup/verify.h"
#include "base/error.h"
#include "io/posix_env.h"
#include "repozo/names.h"
#include "support/rooted_env.h"

namespace {

nlohmann::json back_up(io::Env& env, const upgrade::Instance& instance) {
  const auto report = backup::back_up(env, instance, {});
  auto value = nlohmann::json::parse(backup::record_json(report.pair.record));
  value["action"] = static_cast<int>(report.pair.action);
  value["warnings"] = report.warnings;
  return value;
}

nlohmann::json verify(io::Env& env, const upgrade::Instance& instance) {
  backup::VerifyRequest request;
  request.restore_test = true;
  const auto result = backup::verify(env, instance, request);
  nlohmann::json faults = nlohmann::json::array();
  for (const auto& fault : result.faults) faults.push_back(fault.name + ": " + fault.text);
  return {{"backups", result.backups}, {"blobs", result.blobs}, {"faults", faults}};
}

nlohmann::json restore(io::Env& env, const upgrade::Instance& instance, const std::string& stamp) {
  const auto plan = backup::plan_restore(env, instance, repozo::time_of(stamp));
  const auto done = backup::restore(env, instance, plan, {});
  return {{"stamp", plan.record.stamp}, {"blobs_added", done.blobs_added}};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3) {
    std::cerr << "usage: backup_at ROOT backup|verify|restore DATA-FOLDER [STAMP]\n";
    return 2;
  }
  try {
    const auto posix = io::make_posix_env();
    support::RootedEnv env(*posix, words[0]);
    upgrade::Instance instance;
    instance.name = "live";
    instance.data_dir = words[2];
    instance.data_name = "Data.fs";
    instance.blob_dir = words[2] + "/blobs";
    nlohmann::json value;
    if (words[1] == "backup") value = back_up(env, instance);
    if (words[1] == "verify") value = verify(env, instance);
    if (words[1] == "restore") value = restore(env, instance, words.at(3));
    std::cout << value.dump() << "\n";
    return value.contains("faults") && !value["faults"].empty() ? 1 : 0;
  } catch (const std::exception& error) {
    std::cerr << "backup_at: " << error.what() << "\n";
    return 2;
  }
}
