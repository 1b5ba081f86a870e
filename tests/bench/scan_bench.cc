// scan_bench FILE [scan|index|digest|end] [rounds]: one line of JSON per round, with the seconds, the speed
// and the memory of one operation on the file: the plain walk over transactions, the scan with an index of
// positions (what an index rebuild is), the scan with an index of tids and a digest (what a snapshot's
// fingerprint is), or find_end.
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "base/error.h"
#include "filestorage/scan.h"
#include "io/posix_env.h"

namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Of this process, in user and kernel mode: what a busy machine does not distort.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

std::unique_ptr<io::File> open_file(io::Env& env, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    throw base::Error(base::ErrorKind::usage, "open", path, "not an absolute path");
  return env.open_dir(path.substr(0, slash), io::Links::administrator)
      ->open_file(path.substr(slash + 1), io::Access::read);
}

void run(io::File& file, const std::string& what) {
  filestorage::Index index;
  filestorage::ScanOptions options;
  filestorage::ScanResult result;
  const std::uint64_t size = file.status().size;
  const double cpu_before = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  if (what == "end") {
    result.end = filestorage::find_end(file, size);
  } else {
    options.records = what != "scan";
    if (what == "index") options.positions = &index;
    if (what == "digest") {
      options.tids = &index;
      options.digest_points = {size};
    }
    result = filestorage::scan(file, options);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double cpu = cpu_seconds() - cpu_before;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << "{\"operation\": \"" << what << "\", \"seconds\": " << seconds << ", \"cpu_seconds\": " << cpu
            << ", \"gigabytes_per_second\": " << static_cast<double>(size) / seconds / 1e9
            << ", \"records_per_second\": " << static_cast<double>(result.records) / seconds
            << ", \"transactions\": " << result.transactions << ", \"records\": " << result.records
            << ", \"objects\": " << result.objects << ", \"findings\": " << result.findings.size()
            << ", \"index_bytes_per_object\": "
            << static_cast<double>(index.memory_bytes()) /
                   static_cast<double>(std::max<std::uint64_t>(result.objects, 1))
            << ", \"end\": " << result.end << ", \"peak_kilobytes\": " << usage.ru_maxrss << "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: scan_bench FILE [scan|index|digest|end] [rounds]\n";
    return 2;
  }
  try {
    const auto env = io::make_posix_env();
    const auto file = open_file(*env, argv[1]);
    const int rounds = argc > 3 ? std::atoi(argv[3]) : 1;
    for (int i = 0; i < rounds; ++i) run(*file, argc > 2 ? argv[2] : "index");
    return 0;
  } catch (const base::Error& error) {
    std::cerr << "scan_bench: " << error.what() << "\n";
    return 2;
  }
}
