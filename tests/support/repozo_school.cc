#include "support/repozo_school.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "support/fixture.h"
#include "support/fs_builder.h"

namespace support {

const std::vector<std::string>& school_states() {
  static const std::vector<std::string> states = {school(20), school(33), school(34), school(55)};
  return states;
}

const Files& school_repository(Packing packing) {
  const auto make = [](const char* option) {
    io::MemEnv mem;
    mem.put_dir(kRepoDir);
    for (std::size_t i = 0; i < kStamps.size(); ++i) {
      mem.put_file(std::string(kRepozoDir) + "/Data.fs", school_states()[i]);
      const RepozoRun run = run_repozo_at(mem, kStamps[i], {"-B", option, "-r", "repo", "-f", "Data.fs"});
      EXPECT_EQ(run.status, 0) << run.err;
    }
    return files_in(mem, kRepoDir);
  };
  static const Files plain = make("-v");
  static const Files gzip = make("-z");
  return packing == Packing::plain ? plain : gzip;
}

void put_school(io::MemEnv& mem, Packing packing) {
  put_files(mem, kRepoDir, school_repository(packing));
  mem.put_file(std::string(kRepozoDir) + "/Data.fs", school_states().back());
  mem.put_file(std::string(kRepozoDir) + "/out.fs", kOldOutput, {33, 44}, 0640);
  mem.put_file(std::string(kRepozoDir) + "/out.fs.index", kOldIndex, {33, 44}, 0640);
  mem.set_now(stamp_time("2026-02-05-03-15-00"));
}

std::vector<std::string> files_of_state(const Files& repository, const std::string& date) {
  static const std::regex pattern(R"(\d{4}(-\d\d){5}\.(delta)?fsz?)");
  std::vector<std::string> names;
  for (const auto& file : repository) {
    if (std::regex_match(file.first, pattern)) names.push_back(file.first);
  }
  std::sort(names.rbegin(), names.rend());
  std::vector<std::string> needed;
  for (const std::string& name : names) {
    if (!date.empty() && name.substr(0, 19) > date) continue;
    needed.push_back(name);
    if (name.substr(19, 3) == ".fs") break;
  }
  std::reverse(needed.begin(), needed.end());
  return needed;
}

std::optional<std::string> plain_recover(const Files& repository, const std::string& date) {
  std::optional<std::string> whole;
  for (const std::string& name : files_of_state(repository, date)) {
    whole = whole.value_or("") + unpacked(name, repository.at(name));
  }
  return whole;
}

std::string plain_verify(const Files& repository) {
  const auto files = files_of_state(repository);
  if (files.empty()) return "no files";
  const auto dat = repository.find(files.front().substr(0, 19) + ".dat");
  if (dat == repository.end()) return "no .dat";
  std::istringstream lines(dat->second);
  std::string path, md5;
  std::uint64_t start = 0, end = 0;
  while (lines >> path >> start >> end >> md5) {
    const std::string name = path.substr(path.rfind('/') + 1);
    const auto file = repository.find(name);
    if (file == repository.end()) return name + " is missing";
    const std::string content = unpacked(name, file->second);
    if (content.size() != end - start) return name + " has another size";
    if (md5_hex(content) != md5) return name + " has another checksum";
  }
  return lines.eof() ? "" : "odd line";
}

std::string plain_verify_all(const Files& repository) {
  Files files = repository;
  while (true) {
    const auto newest = files_of_state(files);
    if (newest.empty()) return "";
    if (const std::string complaint = plain_verify(files); !complaint.empty()) return complaint;
    for (const std::string& name : newest) files.erase(name);
  }
}

}  // namespace support
