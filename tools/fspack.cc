// fspack: packs a Data.fs that no server has open.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/place.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/tool_main.h"
#include "filestorage/pack.h"
#include "filestorage/pack_time.h"
#include "io/hooked_env.h"
#include "io/posix_env.h"

namespace {

using base::Error;
using base::ErrorKind;

const std::string kTool = "fspack";
constexpr std::size_t kClassesShown = 20;

const cli::ToolSpec kSpec = {
    kTool,
    "pack a Data.fs offline, with garbage collection",
    "[OPTION]... DATA.fs",
    {{"days", 'd', "N", "pack to N days before now (default 0)"},
     {"time", 't', "TIME", "pack to this time: ISO 8601 in UTC, or @SECONDS since 1970"},
     {"blobs", 'b', "DIR", "the blob folder; without it no blob file is removed"},
     {"no-gc", 0, "", "only drop old revisions, not objects that nothing refers to"},
     {"keep-old", 'k', "", "keep what was before as DATA.fs.old and DIR.old"},
     {"allow-dangling", 0, "", "pack although references lead to objects that do not exist"},
     {"like-zodb", 0, "", "exactly as ZODB's pack, with what it fails at and what it loses"},
     {"dry-run", 'n', "", "tell what would be freed, by class, and change nothing"},
     {"json", 0, "", "report as JSON"},
     {"progress", 0, "", "show progress also where standard error is no terminal"}},
    {{0, "done"},
     {1, "there was nothing to gain: packed already, or nothing to drop"},
     {2, "it could not be done; the file is as it was"},
     {3, "a server or another command has the file open, or changed it meanwhile"}},
    "DATA.fs"};

double pack_time(const cli::Options& options, base::UtcTime now) {
  const auto given = options.value("time"), days = options.value("days");
  if (given && days) throw Error(ErrorKind::usage, "read", "", "--time and --days exclude each other");
  if (given) {
    const auto time = filestorage::parse_pack_time(*given);
    if (time) return *time;
    throw Error(ErrorKind::usage, "read", *given, "is no time: 2026-11-23T14:19:08Z or @1795443548.25 are");
  }
  double number = 0;
  if (days) {
    const char* end = days->data() + days->size();
    const auto [stopped, error] = std::from_chars(days->data(), end, number);
    if (error != std::errc() || stopped != end || !(number >= 0) || !std::isfinite(number)) {
      throw Error(ErrorKind::usage, "read", *days, "is no number of days");
    }
  }
  return filestorage::days_before(now, number);
}

nlohmann::json dangling_json(const std::vector<filestorage::DanglingReference>& list, std::uint64_t objects) {
  nlohmann::json named = nlohmann::json::array();
  for (const auto& one : list) {
    named.push_back({{"oid", base::to_hex(one.target)}, {"named_by", base::to_hex(one.holder)}});
  }
  return {{"objects", objects}, {"first", std::move(named)}};
}

nlohmann::json head_json(const std::string& path, filestorage::PackOutcome outcome, filestorage::Tid stop,
                         std::uint64_t before, std::uint64_t after, const filestorage::PackCounts& counts) {
  return {{"data", path},
          {"outcome", filestorage::to_string(outcome)},
          {"packed_to", base::to_iso(base::tid_time(stop))},
          {"packed_to_tid", base::to_hex(stop)},
          {"size_before", before},
          {"size_after", after},
          {"freed", before > after ? before - after : 0},
          {"records_kept", counts.records_kept},
          {"records_dropped", counts.records_dropped},
          {"transactions_kept", counts.transactions_kept},
          {"transactions_dropped", counts.transactions_dropped}};
}

std::string sizes(std::uint64_t before, std::uint64_t after) {
  const auto share = before == 0 || after > before
                         ? 0.0
                         : 100.0 * static_cast<double>(before - after) / static_cast<double>(before);
  return base::human_size(before) + " -> " + base::human_size(after) + " (" +
         std::to_string(std::lround(share)) + " % less)";
}

void warn(const std::string& line) {
  std::cerr << kTool << ": " << line << "\n";
}

void warn_of_dangling(std::uint64_t objects) {
  if (objects == 0) return;
  warn("references lead to " + std::to_string(objects) +
       (objects == 1 ? " object that does not exist" : " objects that do not exist"));
}

// Why nothing was done; also said where nobody reads a terminal.
int nothing(const std::string& path, filestorage::PackOutcome outcome) {
  const char* why = outcome == filestorage::PackOutcome::redundant
                        ? "was packed to this time or a later one already"
                    : outcome == filestorage::PackOutcome::empty ? "holds no objects"
                                                                 : "would not become smaller";
  warn(base::quoted(path) + " " + why + ": left as it is");
  return cli::kNo;
}

void print_classes(const filestorage::PackPlan& plan) {
  using Entry = std::pair<std::string, filestorage::PackPlan::Freed>;
  std::vector<Entry> classes(plan.freed.begin(), plan.freed.end());
  std::stable_sort(classes.begin(), classes.end(),
                   [](const Entry& a, const Entry& b) { return a.second.bytes > b.second.bytes; });
  std::vector<std::vector<std::string>> rows = {{"BYTES", "RECORDS", "CLASS"}};
  filestorage::PackPlan::Freed rest;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (i >= kClassesShown) {
      rest.bytes += classes[i].second.bytes;
      rest.records += classes[i].second.records;
      continue;
    }
    rows.push_back({std::to_string(classes[i].second.bytes), std::to_string(classes[i].second.records),
                    classes[i].first.empty() ? "(none)" : classes[i].first});
  }
  if (rest.records != 0) {
    rows.push_back({std::to_string(rest.bytes), std::to_string(rest.records),
                    "(" + std::to_string(classes.size() - kClassesShown) + " more)"});
  }
  if (rows.size() > 1) std::cout << cli::table(rows);
}

int dry_run(io::Env& os, const std::string& dir, const std::string& name,
            const filestorage::PackRequest& request, bool as_json) {
  const std::unique_ptr<io::Env> env = io::make_read_only_env(os);
  const filestorage::PackPlan plan = filestorage::plan_pack(*env, dir, name, request);
  const std::string path = dir + "/" + name;
  const bool some = plan.outcome == filestorage::PackOutcome::packed;
  warn_of_dangling(plan.dangling_objects);
  if (as_json) {
    nlohmann::json json =
        head_json(path, plan.outcome, plan.stop, plan.size_before, plan.size_after, plan.counts);
    json["dry_run"] = true;
    json["rescued"] = plan.rescued;
    json["dangling"] = dangling_json(plan.dangling, plan.dangling_objects);
    json["blobs"] = {{"files", plan.blobs}, {"bytes", plan.blob_bytes}};
    json["classes"] = nlohmann::json::array();
    for (const auto& [module, freed] : plan.freed) {
      json["classes"].push_back({{"class", module}, {"records", freed.records}, {"bytes", freed.bytes}});
    }
    std::cout << base::json_text(json) << "\n";
    return some ? cli::kDone : cli::kNo;
  }
  if (!some) return nothing(path, plan.outcome);
  std::cout << base::quoted(path) << ": would go from " << sizes(plan.size_before, plan.size_after) << "\n";
  print_classes(plan);
  if (plan.blobs != 0) {
    std::cout << plan.blobs << " blob files, " << base::human_size(plan.blob_bytes) << ", would go\n";
  }
  return cli::kDone;
}

int pack(io::Env& env, const std::string& dir, const std::string& name,
         const filestorage::PackRequest& request, bool as_json) {
  const filestorage::PackReport report = filestorage::pack(env, dir, name, request);
  const std::string path = dir + "/" + name;
  const bool packed = report.outcome == filestorage::PackOutcome::packed;
  if (report.torn_bytes != 0) {
    warn(base::quoted(path) + " ended in " + std::to_string(report.torn_bytes) +
         " bytes of an unfinished transaction, " +
         (!packed                     ? "which were left"
          : report.torn_saved.empty() ? "which were dropped"
                                      : "which are in " + base::quoted(report.torn_saved) + " now"));
  }
  if (report.rescued != 0 && packed) {
    warn("kept " + std::to_string(report.rescued) +
         (report.rescued == 1 ? " object that was" : " objects that were") +
         " out of reach at the pack time, but in use again since");
  }
  warn_of_dangling(report.dangling_objects);
  if (as_json) {
    nlohmann::json json =
        head_json(path, report.outcome, report.stop, report.size_before, report.size_after, report.counts);
    json["objects"] = report.objects;
    json["rescued"] = report.rescued;
    json["dangling"] = dangling_json(report.dangling, report.dangling_objects);
    json["torn"] = {{"bytes", report.torn_bytes}, {"saved", report.torn_saved}};
    json["blobs_removed"] = report.blobs_removed;
    std::cout << base::json_text(json) << "\n";
    return packed ? cli::kDone : cli::kNo;
  }
  if (!packed) return nothing(path, report.outcome);
  if (isatty(STDOUT_FILENO) != 0) {
    std::cout << base::quoted(path) << ": " << sizes(report.size_before, report.size_after) << "\n";
  }
  return cli::kDone;
}

int run(const cli::Options& options) {
  if (options.positional().size() != 1) {
    throw Error(ErrorKind::usage, "read", "", "one DATA.fs has to be named");
  }
  const std::unique_ptr<io::Env> env = io::make_posix_env();
  const app::Place place = app::open_place(*env, options.positional().front());
  const std::string& dir = place.dir->path();
  const std::string& name = place.name;
  filestorage::PackRequest request;
  request.options.stop = filestorage::pack_tid(pack_time(options, env->now()));
  request.options.collect_garbage = !options.has("no-gc");
  request.options.allow_dangling = options.has("allow-dangling");
  request.options.flaws =
      options.has("like-zodb") ? filestorage::PackFlaws::copied : filestorage::PackFlaws::mended;
  request.keep_old = options.has("keep-old");
  if (options.has("blobs")) request.blobs = app::open_folder(*env, *options.value("blobs"))->path();
  request.progress = [&](std::uint64_t total) {
    return cli::Interrupt::checked(options.has("progress")
                                       ? cli::progress_on(std::cerr, "pack " + name, total, *env)
                                       : cli::terminal_progress("pack " + name, total, *env));
  };
  const bool as_json = options.has("json");
  return options.has("dry-run") ? dry_run(*env, dir, name, request, as_json)
                                : pack(*env, dir, name, request, as_json);
}

}  // namespace

int main(int argc, char** argv) {
  const cli::Interrupt interrupt;
  const int status = cli::tool_main(kSpec, argc, argv, run);
  cli::Interrupt::pass_on(status);
  return status;
}
