// fsdump DATA [INDEX]: what the scan says about the database DATA, as JSON on standard output, for comparison
// with ZODB. INDEX is created with the index as ZODB on Python 3 saves it. Both paths are absolute. Exit 2 on
// errors.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/error.h"
#include "filestorage/index_file.h"
#include "filestorage/scan.h"
#include "io/posix_env.h"

namespace {

using namespace filestorage;

std::pair<std::unique_ptr<io::Dir>, std::string> parent_of(io::Env& env, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    throw base::Error(base::ErrorKind::usage, "open", path, "not an absolute path");
  return {env.open_dir(path.substr(0, slash), io::Links::administrator), path.substr(slash + 1)};
}

const char* name_of(Fault fault) {
  switch (fault) {
    case Fault::bad_magic: return "bad_magic";
    case Fault::bad_status: return "bad_status";
    case Fault::tid_order: return "tid_order";
    case Fault::bad_length: return "bad_length";
    case Fault::length_mismatch: return "length_mismatch";
    case Fault::record_bounds: return "record_bounds";
    case Fault::record_location: return "record_location";
    case Fault::record_tid: return "record_tid";
    case Fault::previous_record: return "previous_record";
    case Fault::back_pointer: return "back_pointer";
    case Fault::version_record: return "version_record";
    case Fault::lost_tail: return "lost_tail";
  }
  return "";
}

const char* name_of(Tail tail) {
  switch (tail) {
    case Tail::clean: return "clean";
    case Tail::torn: return "torn";
    case Tail::unfinished: return "unfinished";
    case Tail::zeros: return "zeros";
  }
  return "";
}

nlohmann::json to_json(const ScanResult& result) {
  nlohmann::json findings = nlohmann::json::array();
  for (const Finding& finding : result.findings) {
    findings.push_back({{"fault", name_of(finding.fault)},
                        {"fatal", finding.fatal},
                        {"position", finding.position},
                        {"text", finding.text}});
  }
  return {{"size", result.size},
          {"end", result.end},
          {"tail", name_of(result.tail)},
          {"transactions", result.transactions},
          {"packed", result.packed},
          {"records", result.records},
          {"back_pointers", result.back_pointers},
          {"deletions", result.deletions},
          {"first_tid", base::to_hex(result.first_tid)},
          {"last_tid", base::to_hex(result.last_tid)},
          {"last_transaction_at", result.last_transaction_at},
          {"objects", result.objects},
          {"deleted_objects", result.deleted_objects},
          {"max_oid", base::to_hex(result.max_oid)},
          {"damaged", result.damaged()},
          {"findings", findings}};
}

void dump(io::Env& env, const std::string& path, const std::string& index_path) {
  const auto [folder, name] = parent_of(env, path);
  const auto file = folder->open_file(name, io::Access::read);
  Index positions;
  ScanOptions options;
  options.positions = &positions;
  const ScanResult result = scan(*file, options);
  nlohmann::json json = to_json(result);
  json["find_end"] = find_end(*file, result.size);
  std::cout << json.dump(1) << "\n";
  if (index_path.empty()) return;
  const auto [index_folder, index_name] = parent_of(env, index_path);
  const auto index = index_folder->create_file(index_name, 0644);
  write_index(*index, positions, result.end, IndexDialect::protocol3, IndexStrings::python3);
  index->close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: fsdump DATA [INDEX]\n";
    return 2;
  }
  try {
    dump(*io::make_posix_env(), argv[1], argc > 2 ? argv[2] : "");
    return 0;
  } catch (const base::Error& error) {
    std::cerr << "fsdump: " << error.what() << "\n";
    return 2;
  }
}
