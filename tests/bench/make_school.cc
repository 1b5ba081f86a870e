// make_school TEMPLATE FILE --bytes N [--seed N]: a FileStorage of at least N bytes that is like TEMPLATE,
// over and over: the same transactions and records in each round, of new objects, with one byte in sixty of
// the data replaced, so that no record is an exact repeat of another. For speed and compression, which a real
// application's pickles show better than invented ones; the pickles do not load.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "filestorage/format.h"
#include "support/file_builder.h"

namespace {

using filestorage::RecordHeader;
using filestorage::TransactionHeader;

struct Record {
  base::Oid oid;
  std::string data;
};
using Transaction = std::vector<Record>;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::string content(static_cast<std::size_t>(file.tellg()), '\0');
  file.seekg(0);
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  return content;
}

// The records with data, by transaction. The template is a file of ours: a bad one is an error, whatever is
// wrong with it.
std::vector<Transaction> read_template(const std::string& bytes) {
  std::vector<Transaction> transactions;
  const auto* start = reinterpret_cast<const std::byte*>(bytes.data());
  std::uint64_t at = filestorage::kMagicSize;
  while (at + filestorage::kTransactionHeaderSize <= bytes.size()) {
    const TransactionHeader transaction = filestorage::load_transaction_header(start + at);
    const std::uint64_t end = at + transaction.length;
    if (transaction.length < transaction.size() || end + filestorage::kTrailerSize > bytes.size()) {
      throw std::runtime_error("the template is not a whole FileStorage");
    }
    Transaction records;
    for (std::uint64_t record_at = at + transaction.size(); record_at < end;) {
      const RecordHeader record = filestorage::load_record_header(start + record_at);
      record_at += filestorage::kRecordHeaderSize;
      if (record.payload() > end - record_at) throw std::runtime_error("the template has a broken record");
      if (record.data != 0) records.push_back({record.oid, bytes.substr(record_at, record.data)});
      record_at += record.payload();
    }
    if (!records.empty()) transactions.push_back(std::move(records));
    at = end + filestorage::kTrailerSize;
  }
  if (transactions.empty()) throw std::runtime_error("the template holds nothing");
  return transactions;
}

void make(const std::vector<Transaction>& transactions, const std::string& path, std::uint64_t bytes,
          std::uint64_t seed) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), &std::fclose);
  if (!file) throw std::runtime_error("cannot create " + path);
  support::FileBuilder builder([&file](std::string_view part) {
    if (std::fwrite(part.data(), 1, part.size(), file.get()) != part.size())
      throw std::runtime_error("write failed");
  });
  base::Oid most = 0;
  for (const Transaction& transaction : transactions) {
    for (const Record& record : transaction) most = std::max(most, record.oid);
  }
  std::mt19937_64 random(seed);
  base::Tid tid = 0x0362000000000000;  // 2005
  std::string data;
  for (base::Oid first = 0; builder.end() < bytes; first += most + 1) {
    for (const Transaction& transaction : transactions) {
      builder.begin(tid += 0x80000000, " sb.person.teacher", "/schoolyear/term/section/gradebook");
      for (const Record& record : transaction) {
        data = record.data;
        for (std::size_t at = random() % 60; at < data.size(); at += 30 + random() % 60) {
          data[at] = static_cast<char>('a' + random() % 26);
        }
        builder.record(first + record.oid, data);
      }
      builder.finish();
    }
  }
  if (std::fflush(file.get()) != 0) throw std::runtime_error("write failed");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::vector<std::string> paths;
    std::uint64_t bytes = 0, seed = 1;
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      if ((word == "--bytes" || word == "--seed") && i + 1 < argc) {
        (word == "--bytes" ? bytes : seed) = std::stoull(argv[++i]);
      } else {
        paths.push_back(word);
      }
    }
    if (paths.size() != 2 || bytes == 0) {
      std::cerr << "usage: make_school TEMPLATE FILE --bytes N [--seed N]\n";
      return 2;
    }
    make(read_template(read_file(paths[0])), paths[1], bytes, seed);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "make_school: " << error.what() << "\n";
    return 2;
  }
}
