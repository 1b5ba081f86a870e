// pickle_bench FILE [rounds]: reads the file into memory, then walks the pickles of all its records for their
// strong references, in one thread. One line of JSON per round: seconds, records and bytes of pickles a
// second.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "filestorage/format.h"
#include "io/posix_env.h"
#include "pickle/scanner.h"

namespace {

std::vector<std::byte> content_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    throw base::Error(base::ErrorKind::usage, "open", path, "not an absolute path");
  const auto env = io::make_posix_env();
  const auto file = env->open_dir(path.substr(0, slash), io::Links::administrator)
                        ->open_file(path.substr(slash + 1), io::Access::read);
  std::vector<std::byte> content(file->status().size);
  content.resize(file->read_full(0, content));
  return content;
}

// The data of every record of a sound file.
std::vector<base::ByteSpan> records_of(base::ByteSpan content) {
  std::vector<base::ByteSpan> records;
  for (std::size_t at = filestorage::kMagicSize; at < content.size();) {
    const auto transaction = filestorage::load_transaction_header(content.data() + at);
    for (std::size_t place = at + transaction.size(); place < at + transaction.length;) {
      const auto record = filestorage::load_record_header(content.data() + place);
      if (record.data != 0)
        records.push_back(content.subspan(place + filestorage::kRecordHeaderSize, record.data));
      place += filestorage::kRecordHeaderSize + record.payload();
    }
    at += transaction.length + filestorage::kTrailerSize;
  }
  return records;
}

void run(const std::vector<base::ByteSpan>& records) {
  pickle::Scanner scanner;
  std::uint64_t references = 0, sum = 0, bytes = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const base::ByteSpan record : records) {
    bytes += record.size();
    for (const base::Oid oid : scanner.strong(record)) {
      ++references;
      sum += oid;
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cout << "{\"seconds\": " << seconds << ", \"records\": " << records.size()
            << ", \"references\": " << references << ", \"sum_of_oids\": " << sum
            << ", \"records_per_second\": " << static_cast<double>(records.size()) / seconds
            << ", \"gigabytes_per_second\": " << static_cast<double>(bytes) / seconds / 1e9 << "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: pickle_bench FILE [rounds]\n";
    return 2;
  }
  try {
    const std::vector<std::byte> content = content_of(argv[1]);
    const std::vector<base::ByteSpan> records = records_of(content);
    for (int round = 0; round < (argc > 2 ? std::atoi(argv[2]) : 1); ++round) run(records);
    return 0;
  } catch (const base::Error& error) {
    std::cerr << "pickle_bench: " << error.what() << "\n";
    return 2;
  }
}
