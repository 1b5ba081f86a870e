#include "support/repozo_scene.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "support/fixture.h"

namespace support {

using nlohmann::json;

namespace {

const std::string kDat = "2013-02-06-03-16-00.dat";

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

std::string stamp_of(const json& utc) {
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d-%02d-%02d-%02d", utc[0].get<int>(), utc[1].get<int>(),
                utc[2].get<int>(), utc[3].get<int>(), utc[4].get<int>(), utc[5].get<int>());
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at) + (end == text.size() ? " (no newline)" : ""));
    at = end + 1;
  }
  return lines;
}

// The lines in which they differ, as diff has them.
std::string difference(const std::string& expected, const std::string& actual) {
  std::vector<std::string> wanted = lines_of(expected), found = lines_of(actual);
  while (!wanted.empty() && !found.empty() && wanted.back() == found.back()) {
    wanted.pop_back();
    found.pop_back();
  }
  const auto [first_wanted, first_found] =
      std::mismatch(wanted.begin(), wanted.end(), found.begin(), found.end());
  std::string text;
  std::for_each(first_wanted, wanted.end(), [&](const std::string& line) { text += "\n    - " + line; });
  std::for_each(first_found, found.end(), [&](const std::string& line) { text += "\n    + " + line; });
  return text;
}

// One file against what is expected of it.
void compare_file(const std::string& name, const ExpectedFile& expected, const std::string& content,
                  std::vector<std::string>& wrong) {
  if (expected.text && content != *expected.text) {
    wrong.push_back(name + " has other lines" + difference(*expected.text, content));
    return;
  }
  try {
    const std::string md5 = md5_hex(expected.compressed ? unpacked(name, content) : content);
    if (md5 != expected.md5) {
      wrong.push_back(name + " has md5 " + md5 + " (" + std::to_string(content.size()) + " bytes), not " +
                      expected.md5);
    }
  } catch (const std::exception& error) {
    wrong.push_back(name + " cannot be unpacked: " + error.what());
  }
}

}  // namespace

std::map<std::string, ExpectedFile> expected_files(const json& files) {
  std::map<std::string, ExpectedFile> result;
  for (const auto& [name, facts] : files.items()) {
    ExpectedFile file;
    file.compressed = facts.contains("unpacked_md5");
    file.md5 = facts.at(file.compressed ? "unpacked_md5" : "md5");
    if (facts.contains("text")) file.text = facts["text"];
    result.emplace(name, file);
  }
  return result;
}

std::vector<std::string> compare_files(const std::map<std::string, ExpectedFile>& expected,
                                       const Files& actual) {
  std::vector<std::string> wrong;
  for (const auto& [name, content] : actual) {
    const auto found = expected.find(name);
    if (found == expected.end()) {
      wrong.push_back(name + " came or changed, and should not" +
                      (name.ends_with(".dat") ? difference("", content) : ""));
    } else {
      compare_file(name, found->second, content, wrong);
    }
  }
  for (const auto& file : expected) {
    if (!actual.count(file.first)) wrong.push_back(file.first + " should have come or changed");
  }
  return wrong;
}

Files RepozoStep::changed() const {
  Files files;
  for (const auto& [name, content] : after) {
    const auto old = before.find(name);
    const bool same = old != before.end() && old->second == content;
    if (!same && !is_extra_name(name)) files.emplace(name, content);
  }
  return files;
}

std::set<std::string> RepozoStep::removed() const {
  std::set<std::string> names;
  for (const auto& file : before) {
    if (!after.count(file.first) && !is_extra_name(file.first)) names.insert(file.first);
  }
  return names;
}

RepozoScene::RepozoScene(const std::string& name, Repository repository)
    : folder_("repozo/" + name),
      repository_(repository),
      expected_(read_expected(folder_)),
      steps_(expected_.at("steps")),
      history_(read_fixture(folder_ + "/history.fs")) {
  mem_.put_dir(kRepoDir);
  const RepozoRun help = run_repozo(mem_, {"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_FALSE(help.out.empty());
  help_ = help.out;
}

std::string RepozoScene::title() const {
  std::string words = "repozo";
  for (const auto& word : step().at("argv")) words += " " + word.get<std::string>();
  return folder_ + ", step " + std::to_string(at_) + ", " + stamp_of(step().at("utc")) + ": " + words;
}

bool RepozoScene::is_of_python2() const {
  return expected_.at("made_by").get<std::string>().starts_with("ZODB3 3.10");
}

RepozoExpectation RepozoScene::recorded() const {
  RepozoExpectation result;
  const json& facts = step();
  result.exit = facts.at("exit");
  if (facts.contains("stdout")) {
    result.out = facts["stdout"];
    replace_all(*result.out, "<help text>\n", help_);
  } else {
    result.out_md5 = facts.at("stdout_md5");
  }
  result.err = facts.at("stderr");
  replace_all(result.err, "<help text>\n", help_);
  result.changed = expected_files(facts.at("repository_added_or_changed"));
  for (const auto& name : facts.at("repository_removed")) result.removed.insert(name);
  if (facts.contains("written")) result.written = expected_files(facts["written"]);
  if (facts.contains("uncaught_error")) result.uncaught_error = facts["uncaught_error"];
  return result;
}

RepozoStep RepozoScene::run() {
  RepozoStep result;
  for (const auto& file : files_in(mem_, kRepozoDir)) {
    if (file.first != "Data.fs") mem_.remove_all(std::string(kRepozoDir) + "/" + file.first);
  }
  result.before = files_in(mem_, kRepoDir);
  std::vector<std::string> words;
  for (const auto& word : step().at("argv")) words.push_back(word);
  result.run = run_repozo_at(mem_, stamp_of(step().at("utc")), words);
  result.after = files_in(mem_, kRepoDir);
  result.written = files_in(mem_, kRepozoDir);
  result.written.erase("Data.fs");
  return result;
}

void RepozoScene::prepare() {
  if (step().contains("source")) set_source();
  if (step().contains("repository_kept_as")) keep_as(step()["repository_kept_as"]);
  if (step().contains("changed_by_hand")) change_by_hand(step()["changed_by_hand"]);
}

void RepozoScene::set_source() {
  std::string content;
  if (step().contains("file")) {
    content = read_fixture(folder_ + "/" + step()["file"].get<std::string>());
  } else {
    content = history_.substr(0, step().at("size").get<std::size_t>());
  }
  if (md5_hex(content) != step().at("md5")) throw std::runtime_error("test data are damaged: " + folder_);
  mem_.put_file(std::string(kRepozoDir) + "/Data.fs", content);
}

Files RepozoScene::kept(const std::string& name) const {
  Files files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(TEST_DATA_DIR) + "/" + folder_ + "/" + name)) {
    std::filesystem::path file = entry.path().filename();
    if (file.extension() == ".xz") file.replace_extension();
    files[file] = read_fixture(folder_ + "/" + name + "/" + file.string());
  }
  return files;
}

void RepozoScene::keep_as(const std::string& name) {
  if (repository_ == Repository::recorded) put_files(mem_, kRepoDir, kept(name));
  ours_[name] = kept_last_ = files_in(mem_, kRepoDir);
}

void RepozoScene::change_by_hand(const std::string& what) {
  const std::string repo = std::string(kRepoDir) + "/";
  if (what == "repository put back as repo-good") {
    // Where a command follows at once, the recording shows that the damage was there again.
    const bool command_follows = at_ + 1 < steps_.size() && steps_[at_ + 1].contains("argv");
    put_files(mem_, kRepoDir, command_follows ? kept_last_ : ours_.at("repo-good"));
  } else if (what == ".dat removed") {
    mem_.remove_all(repo + kDat);
  } else if (what.starts_with("added README, ")) {
    mem_.put_file(repo + "README", "hello\n");
    mem_.put_file(repo + "2012-13-45-99-99-99.fs.bak", "no backup\n");
    mem_.put_file(repo + "2001-01-01-00-00-00.dat", "");
  } else {
    // Told by the difference between the two copies that were kept: of the good state, and of the next one.
    const Files good = kept("repo-good");
    const Files changed = kept(steps_.at(at_ + 1).at("repository_kept_as"));
    for (const auto& [name, content] : good) {
      const auto now = changed.find(name);
      if (now == changed.end()) {
        mem_.remove_all(repo + name);
      } else if (now->second != content) {
        mem_.put_file(repo + name, now->second);
      }
    }
  }
}

std::vector<std::string> compare(const RepozoExpectation& expected, const RepozoStep& actual) {
  std::vector<std::string> wrong;
  const auto add = [&](const std::vector<std::string>& more) {
    wrong.insert(wrong.end(), more.begin(), more.end());
  };
  if (actual.run.status != expected.exit) {
    wrong.push_back("exit status " + std::to_string(actual.run.status) + ", not " +
                    std::to_string(expected.exit));
  }
  if (expected.out && actual.run.out != *expected.out) {
    wrong.push_back("stdout has other lines" + difference(*expected.out, actual.run.out));
  }
  if (expected.out_md5 && md5_hex(actual.run.out) != *expected.out_md5) {
    wrong.push_back("stdout of " + std::to_string(actual.run.out.size()) + " bytes is wrong");
  }
  if (actual.run.err != expected.err) {
    wrong.push_back("stderr has other lines" + difference(expected.err, actual.run.err));
  }
  add(compare_files(expected.changed, actual.changed()));
  for (const std::string& name : actual.removed()) {
    if (!expected.removed.count(name)) wrong.push_back(name + " was removed, and should not");
  }
  for (const std::string& name : expected.removed) {
    if (!actual.removed().count(name)) wrong.push_back(name + " should have been removed");
  }
  add(compare_files(expected.written, actual.written));
  return wrong;
}

}  // namespace support
