#include "support/repozo_differences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/fixture.h"

namespace support {

using nlohmann::json;

namespace {

using Lines = std::vector<std::string>;

Lines split(const std::string& text) {
  Lines lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

json facts_of(const std::string& name, const std::string& content) {
  if (name.ends_with("fsz")) return {{"unpacked_md5", md5_hex(unpacked(name, content))}};
  json facts = {{"md5", md5_hex(content)}};
  if (name.ends_with(".dat")) facts["text"] = content;
  return facts;
}

json facts_of(const Files& files) {
  json all = json::object();
  for (const auto& [name, content] : files) all[name] = facts_of(name, content);
  return all;
}

}  // namespace

void apply_rules(bool python2, RepozoExpectation& expected) {
  // A recover that fails leaves nothing behind: the original leaves what it had written so far.
  std::erase_if(expected.written, [](const auto& file) { return file.first.ends_with(".part"); });
  if (!python2) return;
  // The messages are those of ZODB 6: 3.10 told every verbose recover that it ignores a -k that was not
  // there, and printed a tuple.
  const std::string kill_old = "--kill-old-on-full option is ignored in recover mode\n";
  if (expected.err.starts_with(kill_old)) expected.err.erase(0, kill_old.size());
  const std::string tuple = "('No files in repository before %s', '";
  if (const auto at = expected.err.find(tuple); at != std::string::npos) {
    expected.err.replace(at, tuple.size(), "No files in repository before ");
    expected.err.erase(expected.err.size() - 3, 2);
  }
}

const json& all_differences() {
  static const json all = json::parse(read_fixture("repozo/differences.json"));
  return all;
}

std::optional<json> find_difference(const std::string& scene, std::size_t step, Repository repository) {
  const char* name = repository == Repository::ours ? "ours" : "recorded";
  for (const json& each : all_differences()) {
    if (each.at("scene") != scene || each.at("step") != step) continue;
    if (each.at("repository") == "both" || each.at("repository") == name) return each;
  }
  return std::nullopt;
}

void apply_difference(const json& difference, RepozoExpectation& expected) {
  if (difference.contains("exit")) expected.exit = difference["exit"];
  if (difference.contains("stderr")) {
    const Lines gone = difference["stderr"].at("gone"), instead = difference["stderr"].at("instead");
    const auto from = difference["stderr"].at("from").get<std::ptrdiff_t>();
    Lines lines = split(expected.err);
    const auto count = static_cast<std::ptrdiff_t>(gone.size());
    ASSERT_LE(from + count, static_cast<std::ptrdiff_t>(lines.size())) << difference;
    ASSERT_TRUE(std::equal(gone.begin(), gone.end(), lines.begin() + from)) << difference;
    lines.erase(lines.begin() + from, lines.begin() + from + count);
    lines.insert(lines.begin() + from, instead.begin(), instead.end());
    expected.err = joined(lines);
  }
  if (difference.contains("repository_added_or_changed")) {
    expected.changed = expected_files(difference["repository_added_or_changed"]);
  }
  if (difference.contains("repository_removed")) {
    expected.removed = difference["repository_removed"].get<std::set<std::string>>();
  }
  if (difference.contains("written")) expected.written = expected_files(difference["written"]);
}

json describe_difference(const std::string& scene, std::size_t step, const RepozoExpectation& expected,
                         const RepozoStep& actual) {
  json entry = {{"scene", scene}, {"step", step}};
  if (actual.run.status != expected.exit) entry["exit"] = actual.run.status;
  if (actual.run.err != expected.err) {
    Lines gone = split(expected.err), instead = split(actual.run.err);
    while (!gone.empty() && !instead.empty() && gone.back() == instead.back()) {
      gone.pop_back();
      instead.pop_back();
    }
    const auto from =
        std::mismatch(gone.begin(), gone.end(), instead.begin(), instead.end()).first - gone.begin();
    gone.erase(gone.begin(), gone.begin() + from);
    instead.erase(instead.begin(), instead.begin() + from);
    entry["stderr"] = {{"from", from}, {"gone", gone}, {"instead", instead}};
  }
  if (!compare_files(expected.changed, actual.changed()).empty()) {
    entry["repository_added_or_changed"] = facts_of(actual.changed());
  }
  if (actual.removed() != expected.removed) entry["repository_removed"] = actual.removed();
  if (!compare_files(expected.written, actual.written).empty()) entry["written"] = facts_of(actual.written);
  return entry;
}

}  // namespace support
