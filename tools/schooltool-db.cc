// schooltool-db: the front. `schooltool-db VERB ...` runs schooltool-db-VERB; `status` is its own.
#include <unistd.h>
#include <algorithm>

#include <cerrno>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "app/context.h"
#include "app/pack_record.h"
#include "backup/backup_status.h"
#include "base/error.h"
#include "base/json_text.h"
#include "upgrade/status.h"

namespace {

const std::string kTool = "schooltool-db";

const std::string kVerbs =
    "verbs: status, list, snapshot, rotate, check, rollback, backup, restore, verify, pack, erase";

const cli::ToolSpec kSpec = {
    kTool,
    "look after the databases of a SchoolTool server",
    "status [OPTION]... | VERB [ARGUMENT]...",
    app::with_instance_options({{"json", 0, "", "report as JSON"}}),
    {{0, "done"},
     {1,
      "the answer is no: a database is missing, damaged, waits for a decision, or was not backed up in time"},
     {2, "could not"},
     {3, "busy"}},
    "VERB",
    false};

bool is_verb(const std::string& word) {
  return !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos &&
         word[0] != '-';
}

// The program of the verb stands in the folder of this one; PATH is not asked, for we may run as root.
std::string own_folder() {
  std::string path(4096, '\0');
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0) return "/usr/sbin/";
  path.resize(static_cast<std::size_t>(length));
  return path.substr(0, path.rfind('/') + 1);
}

[[noreturn]] void run_verb(const std::string& verb, char** argv) {
  const std::string program = own_folder() + kTool + "-" + verb;
  execv(program.c_str(), argv + 1);
  if (errno != ENOENT) throw base::Error::from_errno("run", program, errno);
  throw base::Error(base::ErrorKind::usage, "run", verb, "there is no such verb")
      .with_hint(kVerbs + "; see 'man schooltool-db'");
}

bool needs_attention(const upgrade::Status& status) {
  return !status.present || !status.damage.empty() || !status.problem.empty() ||
         upgrade::waits_for_a_person(status);
}

int run_status(const cli::Options& options) {
  app::Context context = app::make_context(kTool, options);
  const base::UtcTime now = context.env().now();
  nlohmann::json all = nlohmann::json::array();
  std::string text;
  int code = app::exit_for_problems(context, options);
  for (const upgrade::Instance* instance : app::chosen(context, options)) {
    const upgrade::Status status = upgrade::status_of(context.env(), *instance);
    // With a first copy the tools have been at work since then; else the database tells its age.
    const auto& known_since =
        status.journal.snapshot_taken ? status.journal.snapshot_taken : status.first_transaction;
    const backup::BackupStatus backups = backup::backup_status(context.env(), *instance, known_since);
    const auto state = upgrade::find_state(context.env(), instance->name);
    const app::PackRecord packs = state ? app::load_pack_record(*state) : app::PackRecord{};
    if (needs_attention(status) || !backups.alarm.empty() || !packs.failure.empty()) {
      code = std::max<int>(code, cli::kNo);
    }
    text += (text.empty() ? "" : "\n") + upgrade::status_text({status}, now) +
            backup::backup_status_text(backups, now) + app::pack_status_text(packs, now);
    nlohmann::json value = base::parse_json(upgrade::status_json({status})).at(0);
    value["backup"] = backup::backup_status_json(backups);
    value["pack"] = app::pack_record_json(packs);
    all.push_back(std::move(value));
  }
  if (options.has("json")) {
    std::cout << base::json_text(all) << "\n";
  } else {
    std::cout << text;
  }
  return code;
}

int run(const cli::Options& options) {
  if (options.positional() != std::vector<std::string>{"status"}) {
    throw base::Error(base::ErrorKind::usage, "", "", "which verb?").with_hint(kVerbs);
  }
  return run_status(options);
}

}  // namespace

int main(int argc, char** argv) {
  // Words behind another program's verb are that program's.
  if (argc > 1 && is_verb(argv[1]) && std::string(argv[1]) != "status") {
    return cli::tool_main({kTool, "", "", {}, {}, "VERB", false}, 1, argv,
                          [&](const cli::Options&) -> int { run_verb(argv[1], argv); });
  }
  return cli::tool_main(kSpec, argc, argv, run);
}
