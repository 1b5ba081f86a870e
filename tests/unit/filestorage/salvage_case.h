// Salvaged databases, and what is in them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "filestorage/check.h"
#include "filestorage/record_walk.h"
#include "filestorage/salvage.h"
#include "io/mem_env.h"
#include "support/bytes_file.h"
#include "support/file_builder.h"

namespace filestorage {

// What a salvage of such a file gives.
struct Salvaged {
  SalvageReport report;
  std::vector<Loss> losses;
  std::string content;
};

inline Salvaged salvaged(const std::string& damaged) {
  io::MemEnv mem;
  mem.put_file("/data/Data.fs", damaged);
  const auto dir = mem.open_dir("/data", io::Links::refuse);
  const auto from = dir->open_file("Data.fs", io::Access::read);
  Salvaged result;
  result.report =
      salvage(*from, *dir, "saved.fs", mem, {}, [&](const Loss& loss) { result.losses.push_back(loss); });
  result.content = *mem.content("/data/saved.fs");
  return result;
}

// The data of each object's revisions: what a reader of the database gets, whatever the positions.
using Revisions = std::map<std::pair<Oid, Tid>, std::string>;
inline Revisions revisions(const std::string& content) {
  support::BytesFile file(content);
  ForwardReader in(file, content.size()), far(file, content.size());
  Revisions found;
  walk_records(
      in, kMagicSize, {}, [](std::uint64_t) { return false; },
      [&](const WalkedRecord& record) {
        const FoundData data = find_data(far, record);
        found[{record.header.oid, record.header.tid}] =
            data.what == FoundData::What::data ? content.substr(data.position, data.length) : "none";
      });
  return found;
}

// Of its structure.
inline std::size_t problems(const std::string& content) {
  support::BytesFile file(content);
  CheckOptions options;
  options.references = false;
  std::size_t count = 0;
  check(file, options, [&](const Problem&) { ++count; });
  return count;
}

// Transactions of three objects each, with the places of all.
struct Small {
  std::string content;
  std::vector<std::uint64_t> transactions, records;
};
inline std::string text_record(char letter) {
  return "cm\nn\n.X" + std::string("\x40\0\0\0", 4) + std::string(64, letter) + ".";
}
inline constexpr Tid kFirstTid = 0x0398f82b40865944;

inline Small small(unsigned transactions) {
  Small made;
  support::FileBuilder builder([&made](std::string_view bytes) { made.content += bytes; });
  Oid oid = 0;
  for (unsigned i = 0; i < transactions; ++i) {
    made.transactions.push_back(builder.end());
    builder.begin(kFirstTid + i * 1000, "user " + std::string(300, 'u'));
    for (int n = 0; n < 3; ++n)
      made.records.push_back(builder.record(oid++, text_record(static_cast<char>('a' + i))));
    builder.finish();
  }
  return made;
}

inline std::set<Oid> oids(const std::string& content) {
  std::set<Oid> found;
  for (const auto& [key, data] : revisions(content)) found.insert(key.first);
  return found;
}

}  // namespace filestorage
