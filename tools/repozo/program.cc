#include "repozo/program.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "base/error.h"
#include "base/json_text.h"
#include "repozo/backup.h"
#include "repozo/messages.h"
#include "repozo/options.h"
#include "repozo/recover.h"
#include "repozo/verify.h"

namespace repozo {

using base::Error;
using base::ErrorKind;

namespace {

struct SplitPath {
  std::string folder, name;
};

// Of a path as given: "x" is in the folder "".
SplitPath split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash + 1), path.substr(slash + 1)};
}

class Program {
 public:
  Program(io::Env& env, const std::string& working_dir, const Surroundings& surroundings, std::ostream& out,
          std::ostream& err)
      : env_(env), working_dir_(working_dir), surroundings_(surroundings), out_(out), err_(err) {}

  int run(const std::vector<std::string>& words) {
    const ParsedOptions parsed = parse_options(words);
    options_ = parsed.options;
    if (options_.help && parsed.error.empty()) {
      out_ << help_text() << "\n";
      return 0;
    }
    if (options_.version && parsed.error.empty()) {
      out_ << "repozo (schooltool-dbtools) " << surroundings_.version << "\n";
      return 0;
    }
    if (options_.verbose) {
      for (const std::string& line : options_.ignored) err_ << line << "\n";
    }
    if (!parsed.error.empty()) {
      err_ << help_text() << "\n" << parsed.error << "\n";
      return 1;
    }
    try {
      return run_mode();
    } catch (const Error& error) {
      err_ << messages_.text(error) << "\n";
    } catch (const std::exception& error) {
      err_ << "repozo: " << error.what() << "\n";
    }
    return 1;
  }

 private:
  std::string absolute(const std::string& path) const {
    return path.starts_with('/') ? path : working_dir_ + (working_dir_.ends_with('/') ? "" : "/") + path;
  }

  // A folder as given; "" is the working folder. Errors tell it as given, with `rest` behind.
  std::unique_ptr<io::Dir> open_folder(const std::string& given, const std::string& rest) {
    const std::string path = given.empty() ? working_dir_ : absolute(given);
    try {
      return env_.open_dir(path, io::Links::administrator);
    } catch (const Error& error) {
      if (error.sys_errno() == 0) throw;
      throw Error::from_errno("open", given + rest, error.sys_errno());
    }
  }

  std::string moment() const {
    const bool given = options_.mode == Mode::recover && !options_.date.value_or("").empty();
    return given ? *options_.date : stamp_of(env_.now());
  }

  // Where there is none, the original has told what it looks for.
  Repository open_repository() {
    const std::string& given = *options_.repository;
    std::unique_ptr<io::Dir> folder;
    try {
      if (given.empty()) throw Error::from_errno("open", given, ENOENT);
      folder = open_folder(given, "");
    } catch (const Error&) {
      report().say("looking for files between last full backup and " + moment() + "...");
      throw;
    }
    messages_.show_as(folder->path(), given);
    return {env_, std::move(folder), given};
  }

  Report report() {
    Report report;
    if (options_.verbose) report.verbose = [this](const std::string& line) { err_ << line << "\n"; };
    report.warning = [this](const std::string& line) { err_ << "repozo: " << line << "\n"; };
    if (options_.progress) report.progress = surroundings_.progress;
    return report;
  }

  int run_mode() {
    Repository repository = open_repository();
    switch (options_.mode) {
      case Mode::backup: return backup(repository);
      case Mode::recover: return recover(repository);
      case Mode::verify: return verify_all(repository);
      case Mode::none: break;
    }
    return 1;
  }

  // Of what cannot be a file, whatever is there.
  static void demand_file_name(const std::string& path, const std::string& name) {
    if (path.empty()) throw Error::from_errno("open", path, ENOENT);
    if (name.empty() || name == "." || name == "..") throw Error::from_errno("open", path, EISDIR);
  }

  int backup(Repository& repository) {
    const SplitPath path = split(*options_.file);
    demand_file_name(*options_.file, path.name);
    const auto folder = open_folder(path.folder, path.name);
    messages_.show_as(folder->path() + "/" + path.name, *options_.file);
    BackupOptions wanted;
    wanted.full = options_.full;
    wanted.quick = options_.quick;
    wanted.gzip = options_.gzip;
    wanted.kill_old = options_.kill_old;
    wanted.keep_chains = options_.keep;
    wanted.mode = surroundings_.new_mode;
    const BackupResult result = back_up(repository, {*folder, path.name, *options_.file}, wanted, report());
    if (options_.json) print(to_json(result));
    // As with a database whose damage keeps it from being backed up. Where nothing was to be removed, it is
    // what the original does, and ends as that does.
    const bool refused = !result.damage.empty() && (wanted.kill_old || wanted.keep_chains);
    return refused ? 1 : 0;
  }

  static nlohmann::json to_json(const BackupResult& result) {
    constexpr const char* actions[] = {"none", "incremental", "full"};
    return {{"action", actions[static_cast<int>(result.action)]},
            {"reason", result.reason},
            {"chain", result.chain},
            {"stamp", result.stamp},
            {"name", result.name},
            {"start", result.start},
            {"end", result.end},
            {"stored", result.stored},
            {"md5", result.md5},
            {"removed", result.removed},
            {"damage", result.damage}};
  }

  int recover(Repository& repository) {
    RecoverOptions wanted;
    wanted.date = options_.date.value_or("");
    wanted.with_md5 = options_.with_verify;
    wanted.no_verify = options_.no_verify;
    if (!options_.output) {
      recover_to(
          repository,
          [this](base::ByteSpan bytes) {
            out_.write(reinterpret_cast<const char*>(bytes.data()),
                       static_cast<std::streamsize>(bytes.size()));
            if (!out_) throw Error(ErrorKind::io, "recover", "", "standard output cannot be written to");
          },
          wanted, report());
      out_.flush();
      if (!out_) throw Error(ErrorKind::io, "recover", "", "standard output cannot be written to");
      return 0;
    }
    demand_backups(repository, wanted.date);
    const SplitPath path = split(*options_.output);
    demand_file_name(*options_.output, path.name);
    const auto folder = open_folder(path.folder, path.name + ".part");
    messages_.show_as(folder->path() + "/" + path.name, *options_.output);
    const Target target = {*folder, path.name, {}, {}, surroundings_.new_mode, *options_.output};
    const RecoverResult result = recover_file(repository, target, wanted, report());
    if (options_.json) {
      print({{"stamp", result.stamp},
             {"output", *options_.output},
             {"size", result.size},
             {"index", result.index_restored}});
    }
    return 0;
  }

  // As the original, which looks at the backups before the output.
  void demand_backups(Repository& repository, const std::string& date) {
    for (const BackupName& name : repository.backups()) {
      if (reaches(date, name.stamp)) return;
    }
    recover_to(
        repository, [](base::ByteSpan) {}, {.date = date}, report());
  }

  int verify_all(Repository& repository) {
    VerifyOptions wanted;
    wanted.quick = options_.quick;
    wanted.all = options_.all;
    const VerifyResult result = verify(repository, wanted, report());
    for (const VerifyFault& fault : result.faults)
      err_ << repository.shown(fault.name) << " " << fault.text << "\n";
    if (options_.json) print(to_json(result));
    return result.faults.empty() ? 0 : 1;
  }

  static nlohmann::json to_json(const VerifyResult& result) {
    nlohmann::json chains = nlohmann::json::array(), faults = nlohmann::json::array();
    for (const Chain& chain : result.checked) {
      nlohmann::json files = nlohmann::json::array();
      for (const Piece& piece : chain.pieces) {
        files.push_back({{"name", piece.name.file()},
                         {"start", piece.start},
                         {"end", piece.end},
                         {"stored", piece.stored},
                         {"md5", piece.md5},
                         {"missing", piece.missing},
                         {"block_sums", piece.sums != nullptr}});
      }
      chains.push_back({{"chain", chain.stamp}, {"files", std::move(files)}});
    }
    for (const VerifyFault& fault : result.faults)
      faults.push_back({{"name", fault.name}, {"text", fault.text}});
    return {{"good", result.faults.empty()}, {"chains", std::move(chains)}, {"faults", std::move(faults)}};
  }

  // File names are whatever bytes somebody gave them.
  void print(const nlohmann::json& json) {
    out_ << base::json_text(json) << "\n";
    out_.flush();
    if (!out_) throw Error(ErrorKind::io, "report", "", "standard output cannot be written to");
  }

  io::Env& env_;
  const std::string& working_dir_;
  const Surroundings& surroundings_;
  std::ostream& out_;
  std::ostream& err_;
  Options options_;
  Messages messages_;
};

}  // namespace

int run_program(io::Env& env, const std::string& working_dir, const std::vector<std::string>& words,
                std::ostream& out, std::ostream& err, const Surroundings& surroundings) {
  return Program(env, working_dir, surroundings, out, err).run(words);
}

}  // namespace repozo
