// The recorded scenes of tests/data/repozo, replayed in memory.
//
//   for (RepozoScene scene("plain", Repository::ours); !scene.at_end(); scene.next()) {
//     if (scene.at_command()) { const auto wrong = compare(scene.recorded(), scene.run()); ... }
//   }
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "io/mem_env.h"
#include "support/repozo_run.h"

namespace support {

struct ExpectedFile {
  std::string md5;                  // of the unpacked content
  std::optional<std::string> text;  // of a .dat, in full
  bool compressed = false;
};

// What a command has to do.
struct RepozoExpectation {
  int exit = 0;
  std::optional<std::string> out;  // one of the two
  std::optional<std::string> out_md5;
  std::string err;
  std::map<std::string, ExpectedFile> changed;  // files of the repository that came or are others than before
  std::set<std::string> removed;
  std::map<std::string, ExpectedFile> written;  // beside the repository
  std::string uncaught_error;                   // for people: what the original's traceback said
};

// What a command did.
struct RepozoStep {
  RepozoRun run;
  Files before, after;  // the repository
  Files written;

  // Files of the repository that came or are others than before, and those that went; without ours.
  Files changed() const;
  std::set<std::string> removed() const;
};

// As expected.json has them.
std::map<std::string, ExpectedFile> expected_files(const nlohmann::json& files);
// What is different, a line each.
std::vector<std::string> compare_files(const std::map<std::string, ExpectedFile>& expected,
                                       const Files& actual);

// Whose repository the commands work on, where the recording kept a copy of it.
enum class Repository {
  ours,     // what our own commands made of it
  recorded  // what the real program had made of it, to the byte
};

class RepozoScene {
 public:
  RepozoScene(const std::string& name, Repository repository);

  bool at_end() const { return at_ == steps_.size(); }
  std::size_t number() const { return at_; }
  bool at_command() const { return steps_[at_].contains("argv"); }
  // The command, for messages.
  std::string title() const;
  // Whether the program that made the recording was that of ZODB3 3.10.
  bool is_of_python2() const;

  // As the real program did.
  RepozoExpectation recorded() const;
  // Runs the command at its moment.
  RepozoStep run();
  // Does what the step says that is no command.
  void prepare();
  void next() { ++at_; }

 private:
  const nlohmann::json& step() const { return steps_[at_]; }
  Files kept(const std::string& name) const;
  void set_source();
  void keep_as(const std::string& name);
  void change_by_hand(const std::string& what);

  std::string folder_;
  Repository repository_;
  nlohmann::json expected_;
  const nlohmann::json& steps_;
  std::string history_;
  std::string help_;
  io::MemEnv mem_;
  std::size_t at_ = 0;
  std::map<std::string, Files> ours_;  // as keep_as() found them
  Files kept_last_;
};

// What is different, a line each.
std::vector<std::string> compare(const RepozoExpectation& expected, const RepozoStep& actual);

}  // namespace support
