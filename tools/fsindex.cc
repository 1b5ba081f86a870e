// fsindex: rebuilds Data.fs.index.
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/place.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/tool_main.h"
#include "filestorage/rebuild_index.h"
#include "io/posix_env.h"

namespace {

const cli::ToolSpec kSpec = {
    "fsindex",
    "rebuild the index file of a ZODB FileStorage",
    "[OPTION]... DATA.fs",
    {{"dry-run", 'n', "", "tell what would be written and change nothing"},
     {"progress", 0, "", "show the progress although standard error is no terminal"},
     {"json", 0, "", "report as JSON"}},
    {{0, "done"}, {2, "it could not be done; the old index stands"}, {3, "a server has the database open"}},
    "DATA.fs"};

int run(const cli::Options& options) {
  if (options.positional().size() != 1) {
    throw base::Error(base::ErrorKind::usage, "read the command line", "", "one database has to be named");
  }
  const std::string& path = options.positional().front();
  const auto env = io::make_posix_env();
  const app::Place place = app::open_place(*env, path);
  filestorage::RebuildOptions rebuild;
  rebuild.dry_run = options.has("dry-run");
  const std::uint64_t size = place.dir->open_file(place.name, io::Access::read)->status().size;
  const std::string label = "index of " + place.name;
  rebuild.progress = options.has("progress") ? cli::progress_on(std::cerr, label, size, *env)
                                             : cli::terminal_progress(label, size, *env);
  const filestorage::RebuildReport report = rebuild_index(*place.dir, place.name, *env, rebuild);
  if (options.has("json")) {
    const nlohmann::ordered_json json = {{"file", path + ".index"},
                                         {"written", !rebuild.dry_run},
                                         {"objects", report.objects},
                                         {"position", report.position},
                                         {"bytes", report.size},
                                         {"replaced", report.had_index},
                                         {"clean_end", report.tail == filestorage::Tail::clean}};
    std::cout << base::json_text(json) << "\n";
  } else if (rebuild.dry_run) {
    std::cout << "would write " << report.objects << " objects, up to " << report.position << ", to "
              << base::quoted(path + ".index") << "\n";
  }
  return cli::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
