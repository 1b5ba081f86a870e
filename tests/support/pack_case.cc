#include "support/pack_case.h"

#include <gtest/gtest.h>

#include "filestorage/pack_time.h"
#include "support/fixture.h"
#include "support/tar.h"

namespace support {

namespace {

void list(const io::MemEnv& mem, const std::string& top, const std::string& below,
          std::set<std::string>& lines) {
  const auto names = mem.list(top + below);
  if (names.empty() && !below.empty()) lines.insert(below.substr(1) + "/");
  for (const std::string& name : names) {
    const std::string path = below + "/" + name;
    const auto status = mem.status(top + path);
    if (status->type == io::FileType::directory) {
      list(mem, top, path, lines);
    } else {
      const std::string content = *mem.content(top + path);
      lines.insert(path.substr(1) + " " + std::to_string(content.size()) + " " + md5_hex(content) +
                   " links=" + std::to_string(status->links));
    }
  }
}

}  // namespace

void put_database(io::MemEnv& mem, const std::string& folder) {
  mem.put_dir(kPackDir, kPackOwner, 0750);
  mem.put_file(std::string(kPackDir) + "/Data.fs", read_fixture(folder + "/Data.fs"), kPackOwner, 0640);
  mem.put_file(std::string(kPackDir) + "/Data.fs.index", read_fixture(folder + "/Data.fs.index"), kPackOwner,
               0640);
}

void put_blobs(io::MemEnv& mem, const std::string& folder) {
  const std::string blobs = std::string(kPackDir) + "/blobs";
  mem.put_dir(blobs, kPackOwner, 0755);
  mem.put_dir(blobs + "/tmp", kPackOwner, 0755);
  const auto members = untar(read_fixture(folder + "/blobs.tar"));
  for (const auto& [path, content] : members) {
    const std::size_t slash = path.find('/');
    const std::string name =
        path.starts_with("blobs/") || path.starts_with("./") ? path.substr(slash + 1) : path;
    const bool blob = path.ends_with(".blob");
    mem.put_file(blobs + "/" + name, content, kPackOwner, blob ? 0444 : 0644);
  }
}

std::set<std::string> folder_lines(const io::MemEnv& mem, const std::string& top) {
  std::set<std::string> lines;
  list(mem, top, "", lines);
  return lines;
}
std::set<std::string> expected_lines(const nlohmann::json& list) {
  std::set<std::string> lines;
  for (std::string line : list) lines.insert(line.substr(0, line.find(" mode=")));
  return lines;
}
filestorage::PackRequest request_of(const nlohmann::json& step) {
  filestorage::PackRequest request;
  const auto time = filestorage::parse_pack_time("@" + step.at("time").get<std::string>());
  if (!time) throw std::runtime_error("no time");
  request.options.stop = filestorage::pack_tid(*time);
  request.options.collect_garbage = step.at("gc");
  return request;
}

void for_each_pack(const std::function<void(io::MemEnv&, const PackStep&)>& run) {
  for (const std::string& folder : fixture_folders("fs")) {
    const nlohmann::json expected = read_expected(folder);
    if (!expected.contains("packs")) continue;
    for (const nlohmann::json& one : expected.at("packs")) {
      io::MemEnv mem;
      put_database(mem, folder);
      unsigned number = 0;
      for (const nlohmann::json& step : one.at("steps")) {
        PackStep what{folder, one.at("name").get<std::string>(), step};
        SCOPED_TRACE(folder + " " + what.name + ", step " + std::to_string(number++));
        run(mem, what);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

std::string index_md5_of(const std::string& folder, const std::string& name) {
  static const nlohmann::json known = nlohmann::json::parse(read_fixture("packs/index-md5.json"));
  return known.value(folder.substr(folder.find('/') + 1) + "/" + name, std::string());
}

}  // namespace support
