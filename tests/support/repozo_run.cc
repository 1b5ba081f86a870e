#include "support/repozo_run.h"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <stdexcept>

#include "repozo/program.h"
#include "support/fs_builder.h"

namespace support {

RepozoRun run_repozo(io::Env& env, const std::vector<std::string>& words) {
  RepozoRun run;
  std::ostringstream out, err;
  try {
    run.status = repozo::run_program(env, kRepozoDir, words, out, err);
  } catch (const std::exception& error) {
    ADD_FAILURE() << "run_program threw: " << error.what();
    run.status = -1;
  }
  run.out = out.str();
  run.err = err.str();
  return run;
}

RepozoRun run_repozo_at(io::MemEnv& mem, const std::string& stamp, const std::vector<std::string>& words) {
  mem.set_now(stamp_time(stamp));
  return run_repozo(mem, words);
}

base::UtcTime stamp_time(const std::string& stamp) {
  std::string iso = stamp;
  iso[10] = 'T';
  iso[13] = ':';
  iso[16] = ':';
  const auto time = base::from_iso(iso + "Z");
  if (!time) throw std::invalid_argument("not a stamp: " + stamp);
  return *time;
}

Files files_in(const io::MemEnv& mem, const std::string& folder) {
  Files files;
  if (!mem.status(folder)) return files;
  for (const std::string& name : mem.list(folder)) {
    if (auto content = mem.content(folder + "/" + name)) files.emplace(name, std::move(*content));
  }
  return files;
}

void put_files(io::MemEnv& mem, const std::string& folder, const Files& files) {
  mem.remove_all(folder);
  mem.put_dir(folder);
  for (const auto& [name, content] : files) mem.put_file(folder + "/" + name, content);
}

bool is_lock_name(const std::string& name) {
  return name == ".repozo.lock";
}

bool is_sums_name(const std::string& name) {
  static const std::regex pattern(R"(\d{4}(-\d\d){5}\.sums)");
  return std::regex_match(name, pattern);
}

Files without_extras(Files files) {
  std::erase_if(files, [](const auto& file) { return is_extra_name(file.first); });
  return files;
}

std::string unpacked(const std::string& name, const std::string& content) {
  return name.ends_with("z") ? gunzipped(content) : content;
}

}  // namespace support
