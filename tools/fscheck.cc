// fscheck: is a FileStorage whole?
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/place.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/tool_main.h"
#include "filestorage/check.h"
#include "filestorage/oid_text.h"
#include "filestorage/salvage.h"
#include "io/posix_env.h"

namespace {

using filestorage::Loss;
using filestorage::Problem;
using filestorage::ProblemKind;
using Json = nlohmann::ordered_json;

const cli::ToolSpec kSpec = {
    "fscheck",
    "tell what is damaged in a ZODB FileStorage, or salvage it",
    "[OPTION]... DATA.fs",
    {{"quick", 'q', "", "only the transactions and records, not the objects in them"},
     {"refs", 'r', "", "the objects as well, and the references between them (the default)"},
     {"full", 'f', "", "all revisions of the objects, and the index file"},
     {"all-revisions", 0, "", "read the older revisions of objects too"},
     {"index", 'i', "", "compare the index file, DATA.fs.index"},
     {"blobs", 'b', "DIR", "compare the files of this blob folder"},
     {"salvage", 's', "OUT", "copy what can be read to a new file, and tell what cannot"},
     {"dry-run", 'n', "", "with --salvage: tell what would be lost and write nothing"},
     {"progress", 0, "", "show the progress although standard error is no terminal"},
     {"json", 0, "", "report as JSON"}},
    {{0, "nothing is wrong, or all could be salvaged"},
     {1, "something is wrong, or something was lost"},
     {2, "it could not be found out"}},
    "DATA.fs"};

// Prints the elements of an array as they come: there may be millions.
class Array {
 public:
  explicit Array(const std::string& head) { std::cout << head << "["; }
  void add(const Json& element) {
    std::cout << (first_ ? "\n    " : ",\n    ") << base::json_line(element);
    first_ = false;
  }
  void end() { std::cout << (first_ ? "]" : "\n  ]"); }

 private:
  bool first_ = true;
};

Json to_json(const Problem& problem) {
  Json json = {{"kind", to_string(problem.kind)}};
  if (problem.kind == ProblemKind::structure) json["fault"] = to_string(problem.fault);
  if (problem.position != 0) json["position"] = problem.position;
  if (problem.tid != 0) json["tid"] = base::to_hex(problem.tid);
  if (problem.has_oid) json["oid"] = base::to_hex(problem.oid);
  if (!problem.class_name.empty()) json["class"] = problem.class_name;
  if (problem.kind >= ProblemKind::dangling_missing && problem.kind <= ProblemKind::dangling_unreadable)
    json["target"] = base::to_hex(problem.target);
  json["text"] = problem.text;
  return json;
}

// A class name comes out of the database and may be anything.
std::string shown(const std::string& name) {
  const std::string quoted = base::quoted(name);
  return quoted.size() == name.size() + 2 ? name : quoted;
}

void print(const Problem& problem) {
  if (problem.position != 0) std::cout << "at " << problem.position << ": ";
  if (problem.has_oid) {
    std::cout << "object " << filestorage::oid_text(problem.oid);
    if (!problem.class_name.empty()) std::cout << " " << shown(problem.class_name);
    std::cout << ": ";
  }
  std::cout << problem.text;
  if (problem.tid != 0) std::cout << " (tid " << filestorage::oid_text(problem.tid) << ")";
  std::cout << "\n";
}

void print(const Loss& loss) {
  std::cout << "at " << loss.position << ": ";
  if (loss.what == Loss::What::record) std::cout << "object " << filestorage::oid_text(loss.oid) << ": ";
  if (loss.what != Loss::What::mended) std::cout << "lost: " << loss.length << " bytes: ";
  std::cout << loss.text;
  if (loss.tid != 0) std::cout << " (tid " << filestorage::oid_text(loss.tid) << ")";
  std::cout << "\n";
}

class Run {
 public:
  explicit Run(const cli::Options& options)
      : options_(options),
        env_(io::make_posix_env()),
        path_(only_one(options)),
        place_(app::open_place(*env_, path_)) {
    data_ = place_.dir->open_file(place_.name, io::Access::read);
  }

  int check() {
    filestorage::CheckOptions how;
    how.references = !options_.has("quick");
    how.all_revisions = options_.has("all-revisions") || options_.has("full");
    const bool with_index = options_.has("index") || options_.has("full");
    const auto index = with_index ? open_if_there(place_.name + ".index") : nullptr;
    how.index = index.get();
    const auto blobs = options_.value("blobs") ? app::open_folder(*env_, *options_.value("blobs")) : nullptr;
    how.blobs = blobs.get();
    how.progress = [this](const char* what, std::uint64_t total) { return progress(what, total); };

    std::optional<Array> list;
    if (json()) list.emplace("{\n  \"file\": " + base::json_line(path_) + ",\n  \"problems\": ");
    const filestorage::CheckReport report = filestorage::check(*data_, how, [&](const Problem& problem) {
      if (list) {
        list->add(to_json(problem));
      } else {
        print(problem);
      }
    });
    if (list) list->end();
    tell(report, with_index ? (index ? "compared" : "absent") : "not compared");
    return report.problems() == 0 ? cli::kDone : cli::kNo;
  }

  int salvage() {
    const std::string out = *options_.value("salvage");
    const app::Place target = app::open_place(*env_, out);
    filestorage::SalvageOptions how;
    how.dry_run = options_.has("dry-run");
    how.progress = progress("salvaging", data_->status().size);
    std::optional<Array> list;
    if (json()) list.emplace("{\n  \"file\": " + base::json_line(path_) + ",\n  \"losses\": ");
    const filestorage::SalvageReport report =
        filestorage::salvage(*data_, *target.dir, target.name, *env_, how, [&](const Loss& loss) {
          if (list) {
            list->add({{"what", to_string(loss.what)},
                       {"position", loss.position},
                       {"bytes", loss.length},
                       {"tid", base::to_hex(loss.tid)},
                       {"oid", base::to_hex(loss.oid)},
                       {"text", loss.text}});
          } else {
            print(loss);
          }
        });
    if (list) list->end();
    tell(report, out, how.dry_run);
    return report.complete() ? cli::kDone : cli::kNo;
  }

 private:
  static const std::string& only_one(const cli::Options& options) {
    const auto refuse = [](const char* reason) {
      return base::Error(base::ErrorKind::usage, "read the command line", "", reason);
    };
    if (options.positional().size() != 1) throw refuse("one database has to be named");
    const int levels = int{options.has("quick")} + int{options.has("refs")} + int{options.has("full")};
    if (levels > 1) throw refuse("--quick, --refs and --full exclude each other");
    if (options.has("quick") && options.has("all-revisions"))
      throw refuse("--quick reads no object: it and --all-revisions exclude each other");
    const bool checks =
        levels != 0 || options.has("all-revisions") || options.has("index") || options.has("blobs");
    if (options.has("salvage") && checks) throw refuse("--salvage goes with no kind of check");
    if (options.has("dry-run") && !options.has("salvage")) throw refuse("--dry-run goes with --salvage");
    return options.positional().front();
  }

  bool json() const { return options_.has("json"); }

  io::OnProgress progress(const std::string& what, std::uint64_t total) {
    const std::string label = place_.name + ": " + what;
    return options_.has("progress") ? cli::progress_on(std::cerr, label, total, *env_)
                                    : cli::terminal_progress(label, total, *env_);
  }

  std::unique_ptr<io::File> open_if_there(const std::string& name) {
    if (!place_.dir->status(name)) return nullptr;
    return place_.dir->open_file(name, io::Access::read);
  }

  void tell(const filestorage::CheckReport& report, const char* index) {
    const std::uint64_t problems = report.problems();
    if (!json()) {
      if (problems != 0)
        std::cout << problems << (problems == 1 ? " problem" : " problems")
                  << (report.more ? ", and more" : "") << "\n";
      return;
    }
    Json counts = Json::object();
    for (const auto& [kind, count] : report.counts) counts[to_string(kind)] = count;
    const filestorage::ScanResult& found = report.structure;
    std::cout << ",\n  \"counts\": " << base::json_line(counts)
              << ",\n  \"complete\": " << (report.more ? "false" : "true") << ",\n  \"size\": " << found.size
              << ",\n  \"end\": " << found.end << ",\n  \"transactions\": " << found.transactions
              << ",\n  \"records\": " << found.records << ",\n  \"objects\": " << found.objects
              << ",\n  \"last_tid\": \"" << base::to_hex(found.last_tid)
              << "\",\n  \"records_read\": " << report.records_read
              << ",\n  \"references\": " << report.references << ",\n  \"blobs\": " << report.blobs
              << ",\n  \"index\": \"" << index << "\"\n}\n";
  }

  void tell(const filestorage::SalvageReport& report, const std::string& out, bool dry) {
    if (json()) {
      std::cout << ",\n  \"salvaged\": " << base::json_line(out)
                << ",\n  \"written\": " << (dry ? "false" : "true")
                << ",\n  \"transactions\": " << report.transactions << ",\n  \"records\": " << report.records
                << ",\n  \"bytes\": " << report.size << ",\n  \"bytes_lost\": " << report.bytes_lost
                << ",\n  \"records_lost\": " << report.records_lost
                << ",\n  \"undone_left_out\": " << report.undone << ",\n  \"last_tid\": \""
                << base::to_hex(report.last_tid) << "\"\n}\n";
      return;
    }
    std::cout << (dry ? "would copy " : "copied ") << report.transactions << " transactions with "
              << report.records << " records to " << base::quoted(out) << "; "
              << base::human_size(report.bytes_lost) << " and " << report.records_lost
              << (report.records_lost == 1 ? " record" : " records") << " lost\n";
  }

  const cli::Options& options_;
  std::unique_ptr<io::Env> env_;
  std::string path_;
  app::Place place_;
  std::unique_ptr<io::File> data_;
};

int run(const cli::Options& options) {
  Run run(options);
  return options.has("salvage") ? run.salvage() : run.check();
}

}  // namespace

int main(int argc, char** argv) {
  return cli::tool_main(kSpec, argc, argv, run);
}
